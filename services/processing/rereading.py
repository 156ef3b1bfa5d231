"""Documents read by other models than those that they came in with, ahead of the moment when these take over."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.batches import batches
from contracts.documents import DocumentReread, StageResult
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.parts import PartsBuilder
from contracts.readings import reading_of
from eventstore.commands import Command, Commands
from eventstore.errors import MissingTextError
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from eventstore.texts import TextStore
from inference.cached import CachedModel
from inference.naming import names_of
from projections.pace import Pace
from services.processing.entities import MAX_NAMES, Names, aliases_of, analysed, mentions_of
from services.processing.pieces import groups_of_pieces
from services.processing.relationships import Stated
from services.processing.stage import SLICE_BYTES

PAGE = 200
TRIES = 5
"""For a document that is changed under every one of them there is the next look at the log."""


class Readers(NamedTuple):
    """The models of entities and of relations."""

    entities: CachedModel
    relations: CachedModel

    @property
    def reading(self) -> str:
        """What they find together is called."""
        return reading_of(self.entities.revision, self.relations.revision)

    def have_read(self, document: Document) -> bool:
        """Whether nothing is left to be read of it: also where the stages have not come to its end yet."""
        if document.deleted or document.processed is None:
            return True
        return document.is_read_by(self.entities.revision, self.relations.revision)


class Rereading:
    """Raises StoreUnavailableError, ConflictError, InferenceError, and MissingTextError where a text was lost."""

    def __init__(self, reader: EventReader, commands: Commands, texts: TextStore) -> None:
        self._reader = reader
        self._commands = commands
        self._texts = texts

    async def total(self) -> int:
        """How often documents were processed: what one look at the whole log goes through."""
        counts = await self._reader.seen.count_by_type(None)
        return counts.get(EventType.DOCUMENT_PROCESSED, 0)

    async def follow(
        self, by: Readers, after: int, report: Callable[[int], None] = lambda _: None, rate: float | None = None
    ) -> int:
        """Read what was processed behind a position, up to the log's end, which is returned.

        Broken off, it is begun anew from any position: what was read is passed over, and no model reads a text twice.
        `report` gets how much was looked at; `rate`: so many documents in a second, at most.
        """
        head, done = await self._reader.head(), 0
        pace = None if rate is None else Pace(rate)
        page = PAGE if pace is None else min(PAGE, pace.batch)
        while events := await self._reader.of_types([EventType.DOCUMENT_PROCESSED], after, head, page):
            read = await self.read(by, list(dict.fromkeys(map(AggregateKey.of, events))))
            after = events[-1].position or head
            done += len(events)
            report(done)
            if pace is not None and read:
                await pace.wait(read)
        return head

    async def read(self, by: Readers, keys: Sequence[AggregateKey]) -> int:
        """Read those of these documents that are processed and that these models have not read; how many these were."""
        count = 0
        for _ in range(TRIES):
            changed: list[AggregateKey] = []
            async for found in self._commands.load_in_batches(keys, Document.project):
                due = [document for document in found.values() if not by.have_read(document)]
                for some in batches(due, lambda document: document.text.bytes, max_bytes=SLICE_BYTES):
                    changed += await self._store(by, some)
                    count += len(some)
            count -= len(changed)
            if not changed:
                break
            keys = changed
        return count

    async def _store(self, by: Readers, some: Sequence[Document]) -> list[AggregateKey]:
        """Those that somebody changed while they were read."""
        keys = [AggregateKey(document.tenant, "document", document.document_id) for document in some]
        try:
            results = await self._found(by, some)
        except MissingTextError:
            versions = await self._commands.versions(keys)
            if all(document.version == versions.get(key) for key, document in zip(keys, some, strict=True)):
                raise
            # One was erased; all are read as they are now.
            return keys
        decided = dict[AggregateKey, bool]()

        def command(key: AggregateKey, document: Document, result: Sequence[StageResult]) -> Command:
            cause = Cause(EventMetadata(tenant=document.tenant, actor="annals", source="rereading"), "models-rereading")

            def decide(state: Document | None) -> Sequence[DomainEvent]:
                events = documents.reread(state, document.version, result, cause)
                decided[key] = bool(events) or state is None or by.have_read(state)
                return events

            return Command(key, Document.project, decide, state=document)

        await self._commands.store_many([command(*one) for one in zip(keys, some, results, strict=True)])
        return [key for key, done in decided.items() if not done]

    async def _found(self, by: Readers, some: Sequence[Document]) -> list[Sequence[StageResult]]:
        builders = [PartsBuilder(_empty(document, by)) for document in some]
        names: list[Names] = [{} for _ in some]
        stated = [Stated() for _ in some]
        beginnings: dict[int, str] = {}
        async for group in groups_of_pieces(self._texts, some):
            for piece, analysis, parse in await analysed(by.entities, by.relations, group):
                builder, tenant = builders[piece.index], piece.document.tenant
                beginning = beginnings.setdefault(piece.index, piece.text)
                for mention in mentions_of(tenant, piece.chunk, analysis, names[piece.index]):
                    builder.add("mentions", mention)
                for alias in aliases_of(tenant, piece.chunk, names_of(piece.document.title, parse.subject, beginning)):
                    builder.add("aliases", alias)
                for relation in stated[piece.index].new(piece, parse):
                    builder.add("relations", relation)
            names = [own if len(own) < MAX_NAMES else {} for own in names]
        return [builder.parts() for builder in builders]


def _empty(document: Document, by: Readers) -> DocumentReread:
    return DocumentReread(
        content=document.text.digest,
        entity_model=by.entities.revision,
        relation_model=by.relations.revision,
        mentions=(),
        aliases=(),
        relations=(),
    )
