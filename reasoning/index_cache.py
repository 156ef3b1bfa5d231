"""The index of each tenant, built when its state changed, shared by all who ask at the same time."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from projections.graph.reads import GraphContent
from projections.vector.reads import PassageSearch
from reasoning.index import Index

MOST_HELD = 32
"""Tenants whose index is kept; the one asked longest ago goes first."""


@dataclass(frozen=True, slots=True)
class CachedIndex:
    """An index and the state it was built from: the versions of the graph and of the passages."""

    state: tuple[str, str]
    index: Index


class IndexCache:
    """Keeps the latest index of each tenant."""

    def __init__(self, graph: GraphContent, passages: PassageSearch) -> None:
        self._graph = graph
        self._passages = passages
        self._held: OrderedDict[str, CachedIndex] = OrderedDict()
        self._locks: dict[str, asyncio.Lock] = {}

    async def of(self, tenant: str) -> CachedIndex:
        """The index of the tenant's present state. Raises what the readers raise."""
        held = self._held.get(tenant)
        if held is None or held.state != await self.state(tenant):
            # Whoever waited here finds what the first one built.
            async with self._locks.setdefault(tenant, asyncio.Lock()):
                held = await self._renewed(tenant)
        self._held[tenant] = held
        self._held.move_to_end(tenant)
        while len(self._held) > MOST_HELD:
            self._locks.pop(self._held.popitem(last=False)[0], None)
        return held

    async def _renewed(self, tenant: str) -> CachedIndex:
        # The state is read before what it names: a change in between is then seen by the next question.
        state = await self.state(tenant)
        held = self._held.get(tenant)
        if held is not None and held.state == state:
            return held
        snapshot, passages = await asyncio.gather(self._graph.snapshot(tenant), self._passages.all_passages(tenant))
        before = held.index if held is not None else None
        renewed = CachedIndex(state, await asyncio.to_thread(Index, passages, snapshot, before))
        self._held[tenant] = renewed
        return renewed

    async def state(self, tenant: str) -> tuple[str, str]:
        """Versions of the tenant's graph and passages. Raises what the readers raise."""
        graph, passages = await asyncio.gather(self._graph.content_tag(tenant), self._passages.content_tag(tenant))
        return graph, passages
