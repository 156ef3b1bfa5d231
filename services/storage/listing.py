"""What there is: documents and entities, in pages.

A page ends with a cursor that names its last entry, not a number of entries: what is taken in or deleted between two
pages moves nothing twice, and a late page costs no more than the first.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors import AnnalsError
from projections.relational.reads import (
    ORDERED_CHARACTERS,
    Counts,
    DocumentFilter,
    DocumentSummary,
    EntityFilter,
    EntitySummary,
    RelationalReader,
)
from services.caller import Caller
from services.deadline import Deadline


class WrongCursorError(AnnalsError):
    """This is no cursor of this list; give the one that its last page ended with, or none for the first page."""


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """By id. `next`: the cursor of the page behind, None where this is the last one."""

    documents: tuple[DocumentSummary, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class EntityPage:
    """By name. `next`: the cursor of the page behind, None where this is the last one."""

    entities: tuple[EntitySummary, ...]
    next: str | None


class Listing:
    """Raises WrongCursorError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, relational: RelationalReader) -> None:
        self._relational = relational

    async def counts(self, caller: Caller, *, deadline: Deadline) -> Counts:
        """How much there is of the caller's."""
        async with deadline.enforce("counting documents"):
            return await self._relational.counts(caller.tenant)

    async def documents(
        self, caller: Caller, wanted: DocumentFilter, *, after: str | None, limit: int, deadline: Deadline
    ) -> DocumentPage:
        """The caller's documents that pass the filter: at most `limit` behind the cursor `after`."""
        behind = None if after is None else _decoded("documents", after, 1)[0]
        async with deadline.enforce("listing documents"):
            found = await self._relational.list_documents(caller.tenant, wanted, behind, limit + 1)
        page = tuple(found[:limit])
        return DocumentPage(page, _encoded("documents", page[-1].document_id) if len(found) > limit else None)

    async def entities(
        self, caller: Caller, wanted: EntityFilter, *, after: str | None, limit: int, deadline: Deadline
    ) -> EntityPage:
        """The caller's entities that pass the filter: at most `limit` behind the cursor `after`."""
        behind = None
        if after is not None:
            name, entity_id = _decoded("entities", after, 2)
            behind = name, entity_id
        async with deadline.enforce("listing entities"):
            found = await self._relational.list_entities(caller.tenant, wanted, behind, limit + 1)
        page = tuple(found[:limit])
        if len(found) <= limit:
            return EntityPage(page, None)
        last = page[-1]
        return EntityPage(page, _encoded("entities", last.name[:ORDERED_CHARACTERS], last.entity_id))


def _encoded(what: str, *last: str) -> str:
    raw = json.dumps([what, *last], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(what: str, cursor: str, size: int) -> Sequence[str]:
    """Raises WrongCursorError."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = json.loads(raw.decode())
    except (ValueError, RecursionError):
        raise WrongCursorError() from None
    if not isinstance(parts, list) or len(parts) != size + 1 or not all(map(_is_text, parts)) or parts[0] != what:
        raise WrongCursorError()
    return parts[1:]


def _is_text(part: object) -> bool:
    """Whether a database takes it: without NUL and lone surrogates."""
    return isinstance(part, str) and "\x00" not in part and not any("\ud800" <= one <= "\udfff" for one in part)
