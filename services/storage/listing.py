"""What there is: documents and entities, in pages.

A page ends with a cursor that names its last entry, not a number of entries: what is taken in or deleted between two
pages moves nothing twice, and a late page costs no more than the first.
"""

from dataclasses import dataclass, replace

from contracts.access import collection_of
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
from services.cursors import decoded, encoded
from services.deadline import Deadline
from services.storage.masking import fields_of_attributes, without


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
    """Raises AccessDeniedError, WrongCursorError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, relational: RelationalReader) -> None:
        self._relational = relational

    async def counts(self, caller: Caller, *, deadline: Deadline) -> Counts:
        """How much there is of what the caller may see."""
        caller.require("documents", "read")
        async with deadline.enforce("counting documents"):
            return await counts_of(self._relational, caller)

    async def documents(
        self, caller: Caller, wanted: DocumentFilter, *, after: str | None, limit: int, deadline: Deadline
    ) -> DocumentPage:
        """The caller's documents that pass the filter: at most `limit` behind the cursor `after`.

        Without what he may not see. What is looked for by a field is found only where he may see that field.
        """
        caller.require("documents", "read")
        reach = caller.access.reach("documents", "read")
        if not reach.is_everything:
            fields = fields_of_attributes(wanted.attributes) | (frozenset({"title"}) if wanted.title_prefix else set())
            seen = reach.showing(fields)
            if seen is not None:
                wanted = replace(wanted, collections=seen if wanted.collections is None else seen & wanted.collections)
        behind = None if after is None else decoded("documents", after, 1)[0]
        async with deadline.enforce("listing documents"):
            found = await self._relational.list_documents(caller.tenant, wanted, behind, limit + 1)
        page = tuple(
            without(row, reach.masked_fields(collection_of(row.attributes)) or frozenset()) for row in found[:limit]
        )
        return DocumentPage(page, encoded("documents", page[-1].document_id) if len(found) > limit else None)

    async def entities(
        self, caller: Caller, wanted: EntityFilter, *, after: str | None, limit: int, deadline: Deadline
    ) -> EntityPage:
        """The caller's entities that pass the filter: at most `limit` behind the cursor `after`.

        As documents have them whose texts the caller may see.
        """
        caller.require("entities", "read")
        seen = caller.access.reach("entities", "read").searched
        if seen is not None:
            wanted = replace(wanted, collections=seen if wanted.collections is None else seen & wanted.collections)
        behind = None
        if after is not None:
            name, entity_id = decoded("entities", after, 2)
            behind = name, entity_id
        async with deadline.enforce("listing entities"):
            found = await self._relational.list_entities(caller.tenant, wanted, behind, limit + 1)
        page = tuple(found[:limit])
        if len(found) <= limit:
            return EntityPage(page, None)
        last = page[-1]
        return EntityPage(page, encoded("entities", last.name[:ORDERED_CHARACTERS], last.entity_id))


async def counts_of(relational: RelationalReader, caller: Caller) -> Counts:
    """How much there is of what the caller may see; of documents whose text he may not see only that they are there.

    Raises StoreUnavailableError.
    """
    reach = caller.access.reach("documents", "read")
    counted = await relational.counts(caller.tenant, reach.searched)
    if reach.collections == reach.searched:
        return counted
    there = await relational.counts(caller.tenant, reach.collections)
    return replace(counted, documents=there.documents, waiting=there.waiting)
