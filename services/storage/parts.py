"""What was found in documents: relations and chunks, in pages."""

from dataclasses import dataclass, replace

from projections.relational.reads import RelationalReader, RelationFilter, RelationRow
from projections.vector.reads import PassageReader
from services.caller import Caller
from services.cursors import WrongCursorError, decoded, encoded
from services.deadline import Deadline
from services.errors import NotFoundError

MOST_CHUNKS = 1000
"""On a page, with their texts."""
MOST_START = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RelationPage:
    """By document. `next`: the cursor of the page behind, None where this is the last one."""

    relations: tuple[RelationRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ChunkView:
    """`start` and `end` are characters of the document; `text` is None until the vector read model has it."""

    chunk_id: str
    start: int
    end: int
    tokens: int
    text: str | None


@dataclass(frozen=True, slots=True)
class ChunkPage:
    """By their place in the document. `next`: the cursor of the page behind, None where this is the last one."""

    chunks: tuple[ChunkView, ...]
    next: str | None


class ListParts:
    """Only of documents whose text the caller may see.

    Raises AccessDeniedError, WrongCursorError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(self, relational: RelationalReader, passages: PassageReader) -> None:
        self._relational = relational
        self._passages = passages

    async def relations(
        self, caller: Caller, wanted: RelationFilter, *, after: str | None, limit: int, deadline: Deadline
    ) -> RelationPage:
        """The caller's relations that pass the filter: at most `limit` behind the cursor `after`."""
        caller.require("relations", "read")
        seen = caller.access.reach("relations", "read").searched
        if seen is not None:
            seen = seen if wanted.collections is None else seen & wanted.collections
            wanted = replace(wanted, collections=seen)
        behind = None
        if after is not None:
            document_id, relation_id = decoded("relations", after, 2)
            behind = document_id, relation_id
        async with deadline.enforce("listing relations"):
            found = await self._relational.list_relations(caller.tenant, wanted, behind, limit + 1)
        page = tuple(found[:limit])
        if len(found) <= limit:
            return RelationPage(page, None)
        return RelationPage(page, encoded("relations", page[-1].document_id, page[-1].relation_id))

    async def chunks(
        self, caller: Caller, document_id: str, *, after: str | None, limit: int, deadline: Deadline
    ) -> ChunkPage:
        """A document's chunks with their texts: at most `limit` behind the cursor `after`. Raises NotFoundError."""
        caller.require("chunks", "read")
        seen = caller.access.reach("chunks", "read").searched
        name = f"chunks of {document_id}"
        behind = None if after is None else _start_in(name, after)
        limit = min(limit, MOST_CHUNKS)
        async with deadline.enforce("listing chunks"):
            collection = await self._relational.collection(caller.tenant, document_id)
            if collection is None or (seen is not None and collection not in seen):
                raise NotFoundError(f"there is no document {document_id!r}; `annals list` shows what there is")
            found = await self._relational.list_chunks(caller.tenant, document_id, behind, limit + 1)
            page = found[:limit]
            texts = await self._passages.passages(caller.tenant, [chunk.chunk_id for chunk in page])
        views = tuple(
            ChunkView(
                chunk.chunk_id,
                chunk.start,
                chunk.end,
                chunk.tokens,
                texts[chunk.chunk_id].text if chunk.chunk_id in texts else None,
            )
            for chunk in page
        )
        if len(found) <= limit:
            return ChunkPage(views, None)
        return ChunkPage(views, encoded(name, str(page[-1].start), page[-1].chunk_id))


def _start_in(name: str, cursor: str) -> tuple[int, str]:
    """Raises WrongCursorError."""
    start, chunk_id = decoded(name, cursor, 2)
    if not (start.isascii() and start.isdigit()) or len(start) > 10 or int(start) > MOST_START:
        raise WrongCursorError()
    return int(start), chunk_id
