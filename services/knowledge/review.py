"""What somebody should look at first: what is least sure, and what can be done about it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from projections.relational.review import ReviewReader
from services.caller import Caller
from services.deadline import Deadline

Reviewed = Literal["entity", "relation"]
MOST = 1000


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """`what` it is in words; `chunk_id` is where it stands (`annals show CHUNK`); `todo` are commands that judge it."""

    kind: Reviewed
    id: str
    what: str
    confidence: float
    document_id: str
    chunk_id: str
    todo: Sequence[str]


class Review:
    """Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, reader: ReviewReader) -> None:
        self._reader = reader

    async def least_sure(
        self, caller: Caller, *, kind: Reviewed | None = None, limit: int = 20, deadline: Deadline
    ) -> Sequence[ReviewItem]:
        """At most `limit` that nobody judged, of documents that the caller may see, the least sure first."""
        caller.require("entities", "read")
        caller.require("relations", "read")
        count = max(1, min(limit, MOST))
        async with deadline.enforce("looking for what is least sure"):
            entities, relations = await asyncio.gather(
                self._entities(caller, 0 if kind == "relation" else count),
                self._relations(caller, 0 if kind == "entity" else count),
            )
        return sorted((*entities, *relations), key=lambda one: (one.confidence, one.kind, one.id))[:count]

    async def _entities(self, caller: Caller, count: int) -> Sequence[ReviewItem]:
        seen = caller.access.reach("entities", "read").searched
        return [
            ReviewItem(
                "entity",
                one.id,
                f"{one.name} ({one.type or 'of no known type'})",
                one.confidence,
                one.document_id,
                one.chunk_id,
                (f"annals entity validate {one.id}", f"annals entity reject {one.id}"),
            )
            for one in (await self._reader.entities(caller.tenant, count, seen) if count else ())
        ]

    async def _relations(self, caller: Caller, count: int) -> Sequence[ReviewItem]:
        seen = caller.access.reach("relations", "read").searched
        return [
            ReviewItem(
                "relation",
                one.id,
                f"{one.subject} | {one.predicate} | {one.object}"
                + ("" if one.violates is None else f" (violates the ontology: {one.violates})"),
                one.confidence,
                one.document_id,
                one.chunk_id,
                (f"annals relation validate {one.id}", f"annals relation reject {one.id}"),
            )
            for one in (await self._reader.relations(caller.tenant, count, seen) if count else ())
        ]
