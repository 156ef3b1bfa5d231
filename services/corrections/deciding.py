"""What all corrections of documents share: whose document it is, whether it may be corrected now, what came of it."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from aggregates.cause import RefusedError
from aggregates.document import Document
from contracts.access import collection_of
from contracts.documents import ChunkMerged, ChunkUpdated, RelationshipUpdated, RelationshipValidated
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.commands import Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from security.reach import Reach
from services.caller import Caller
from services.cursors import decoded, encoded
from services.errors import NotFoundError

PAGE = 1000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction led to: `id` is that of the relation, chunk or question that is there now.

    `position`: of its last event in the log; the read models have it once they are as far. `changed`: whether there was
    anything to be said.
    """

    id: str
    document_id: str | None
    position: int
    changed: bool


@dataclass(frozen=True, slots=True)
class OrphanPage(Generic[T]):
    """By document. `next`: the cursor of the page behind, None where this is the last one."""

    orphaned: Sequence[T]
    next: str | None


def orphan_page(
    name: str, found: Sequence[T], order: Callable[[T], tuple[str, str]], after: str | None, limit: int
) -> OrphanPage[T]:
    """At most `limit` of these, which are in this order, behind the cursor `after`. Raises WrongCursorError."""
    behind = None if after is None else tuple(decoded(name, after, 2))
    rest = [one for one in found if behind is None or order(one) > behind]
    page = rest[:limit]
    return OrphanPage(page, encoded(name, *order(page[-1])) if len(rest) > limit else None)


def check_right(caller: Caller, resource: str, what: str, document: Document | None) -> Document:
    """The document, where the caller may correct it and it is processed.

    Raises NotFoundError for what he may not even read, AccessDeniedError, RefusedError.
    """
    if document is None or document.deleted:
        raise unknown(what)
    attributes = {"collection": collection_of(document.attributes)}
    if not caller.access.decide(resource, "write", attributes).allowed:
        if not caller.access.decide(resource, "read", attributes).allowed:
            raise unknown(what)
        caller.require(resource, "write", attributes)
    if document.processed is None:
        raise RefusedError(f"document {document.document_id} is still being processed; correct it when that is done")
    return document


def unknown(what: str) -> NotFoundError:
    """Said of what is not there, and of what the caller may not know of."""
    return NotFoundError(f"there is no {what}, or no longer; list what there is")


def outcome(id: str, document_id: str | None, events: Sequence[DomainEvent]) -> Corrected:
    """Of events as they were stored."""
    return Corrected(id, document_id, max((event.position or 0 for event in events), default=0), bool(events))


async def corrected_documents(
    reader: EventReader,
    commands: Commands,
    tenant: str,
    types: Iterable[EventType],
    reach: Reach,
    *,
    of: str | None = None,
) -> AsyncIterator[Document]:
    """Those within reach of which the log has an event of one of these types, each once, and that are not deleted.

    `of`: only where such an event is on the relation, or of the new chunk, with this id.
    """
    head, after, found = await reader.head(), 0, dict[str, None]()
    while after < head:
        page = await reader.seen.of_tenant(
            tenant, [str(one) for one in types], after, head, PAGE, None if reach.is_everything else reach.searched
        )
        if not page:
            break
        found.update((event.aggregate_id, None) for event in page if of is None or _corrected(event) == of)
        after = page[-1].position or head
    keys = [AggregateKey(tenant, "document", one) for one in found]
    async for states in commands.load_in_batches(keys, Document.project):
        for state in states.values():
            if not state.deleted:
                yield state


def _corrected(event: DomainEvent) -> str | None:
    match event.event_data:
        case RelationshipUpdated(relation_id=own) | RelationshipValidated(relation_id=own):
            return own
        case ChunkUpdated(chunk=chunk) | ChunkMerged(chunk=chunk):
            return chunk.chunk_id
        case _:
            return None
