"""One document: as the relational read model has it, and how far its processing is."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.access import collection_of
from contracts.event_types import EventType
from eventstore.dead_letters import DeadLetters
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.relational.reads import DocumentRow, RelationalReader
from projections.store import Store
from security.reach import Reach
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.masking import without
from services.storage.visibility import visible
from services.storage.waiting import UNFINISHED


@dataclass(frozen=True, slots=True)
class VersionedDocument:
    """`version` is that of the document's last event in the read model, or of one before it: never a later one."""

    version: int
    document: DocumentRow


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """`version` and `position` of the document's last event in the log. `failed`: why a stage set it aside.

    `processed`: nothing is left to be done. `read_models`: which of them have it as the log does.
    """

    document_id: str
    version: int
    position: int
    last_event: str
    deleted: bool
    processed: bool
    failed: str | None
    read_models: Mapping[str, bool]


class ReadDocument:
    """Raises NotFoundError, AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(
        self, reader: EventReader, letters: DeadLetters, relational: RelationalReader, stores: Mapping[str, Store]
    ) -> None:
        """`stores`: of the read models, by name; `relational` reads the one of this name."""
        self._reader = reader
        self._letters = letters
        self._relational = relational
        self._stores = stores

    async def get(self, caller: Caller, document_id: str, *, deadline: Deadline) -> VersionedDocument:
        """As the read model has it, without the fields that the caller may not see."""
        caller.require("documents", "read")
        key, reach = AggregateKey(caller.tenant, "document", document_id), caller.access.reach("documents", "read")
        async with deadline.enforce("reading a document"):
            # What may not be seen takes as long as what is not there.
            if not reach.is_everything and not await self._may_see(caller, document_id, reach):
                raise _unknown(document_id)
            versions = await self._stores["relational"].versions([key])
            row = await self._relational.document(caller.tenant, document_id, reach.searched)
        if row is None:
            raise _unknown(document_id)
        decision = caller.access.decide("documents", "read", {"collection": collection_of(row.attributes)})
        if not decision.allowed:
            # Whoever may not see it may not know that it is there either.
            raise _unknown(document_id)
        return VersionedDocument(versions.get(key, 0), without(row, decision.masked_fields))

    async def _may_see(self, caller: Caller, document_id: str, reach: Reach) -> bool:
        collection = await self._relational.collection(caller.tenant, document_id)
        return collection is not None and reach.masked_fields(collection) is not None

    async def status(self, caller: Caller, document_id: str, *, deadline: Deadline) -> DocumentStatus:
        """Also of one that was deleted, or that no read model has yet; who may take it in may know, too."""
        reach = caller.require_progress("documents")
        key = AggregateKey(caller.tenant, "document", document_id)
        async with deadline.enforce("reading a document's status"):
            last = (await self._reader.last.of([key])).get(key)
            seen = await visible(self._reader, caller, [document_id], reach)
            if last is None or document_id not in seen:
                raise _unknown(document_id)
            failed = await self._letters.of_aggregates(caller.tenant, [document_id])
            there = {name: (await store.versions([key])).get(key, 0) for name, store in self._stores.items()}
        return DocumentStatus(
            document_id=document_id,
            version=last.version,
            position=last.position,
            last_event=last.event_type,
            deleted=last.event_type == EventType.DOCUMENT_DELETED,
            processed=last.event_type not in UNFINISHED,
            failed=failed.get(document_id),
            read_models={name: version >= last.version for name, version in there.items()},
        )


def _unknown(document_id: str) -> NotFoundError:
    return NotFoundError(f"there is no document {document_id!r}, or not yet; see its status, or list what there is")
