"""What tests of sealed events share: an event store whose events are sealed."""

from dataclasses import dataclass
from datetime import timedelta

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentContent, EntitiesExtracted, Mention
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS, LogIds
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from eventstore.stream_keys import MasterStreamKeys
from eventstore.texts import TextStore
from security.master_key import LocalKey, VariableMasterKey

MASTER = LocalKey(bytes(range(32)))
CAUSE = Cause(metadata=EventMetadata(), correlation_id="c")


def stream_keys(pool: PostgresPool, master: LocalKey = MASTER, ids: LogIds = PUBLIC_IDS) -> MasterStreamKeys:
    return MasterStreamKeys(pool, VariableMasterKey(master.text), timedelta(days=90), ids)


def key(document_id: str) -> AggregateKey:
    return AggregateKey("default", "document", document_id)


@dataclass
class Sealing:
    """One process over the log; another one is `Sealing.over` the same pool."""

    pool: PostgresPool
    log: EventLog
    keys: MasterStreamKeys
    reader: EventReader
    commands: Commands

    @classmethod
    def over(cls, dsn: str, pool: PostgresPool, master: LocalKey = MASTER, ids: LogIds = PUBLIC_IDS) -> "Sealing":
        log, keys = EventLog.connect(dsn), stream_keys(pool, master, ids)
        reader = EventReader(pool, keys)
        return cls(pool, log, keys, reader, Commands(log, reader, keys))

    def close(self) -> None:
        self.commands.close()
        self.log.close()

    async def take(self, document_id: str, title: str, text: str = "Body.") -> list[DomainEvent]:
        """Take a document in, and find its title in it as a name."""
        (reference,) = await TextStore(self.pool).put_many([("default", document_id, text)])
        content = DocumentContent(title=title, text=reference, attributes={"collection": "letters"})
        (first,) = await self.commands.execute(
            Command(
                key(document_id), Document.project, lambda state: documents.ingest(state, document_id, content, CAUSE)
            )
        )
        mention = Mention(entity_id="e", name=title, type="PERSON", chunk_id="c", start=0, end=4, confidence=1.0)
        found = EntitiesExtracted(content=reference.digest, model="m", mentions=(mention,), aliases=())
        more = await self.commands.execute(
            Command(
                key(document_id),
                Document.project,
                lambda state: documents.extract_entities(state, first.event_id, found, CAUSE),
            )
        )
        return [first, *more]

    async def destroy(self, document_id: str) -> None:
        """As an erasure does; other processes do not know of it."""
        await self.pool.execute(
            "UPDATE annals.data_keys SET wrapped = NULL, master = NULL, destroyed_at = now(), retired_at = now() "
            "WHERE subject = 'stream/' || (SELECT originator_id FROM annals.document_collections "
            "WHERE document_id = $1)",
            document_id,
        )
