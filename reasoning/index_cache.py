"""The index of each tenant, built when its state changed, shared by all who ask at the same time."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from projections.graph.reads import GraphContent
from projections.vector.reads import PassageSearch
from reasoning.index import Index
from reasoning.visible import Visible, part_of

MOST_HELD = 32
"""Indexes that are kept, of a tenant or of what some of its callers may see; the one asked longest ago goes first."""

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CachedIndex:
    """An index and the state it was built from: the versions of the graph and of the passages."""

    state: tuple[str, str]
    index: Index


class IndexCache:
    """Keeps the latest index of each tenant, and of each part of it that is all that somebody may see."""

    def __init__(self, graph: GraphContent, passages: PassageSearch) -> None:
        self._graph = graph
        self._passages = passages
        self._held: OrderedDict[Key, CachedIndex] = OrderedDict()
        self._locks: dict[Key, asyncio.Lock] = {}

    async def of(self, tenant: str, visible: Visible | None = None) -> CachedIndex:
        """The index of the tenant's present state, or of what is visible of it. Raises what the readers raise."""
        key = tenant, visible.key if visible is not None else ""
        held = self._held.get(key)
        if held is None or held.state != await self.state(tenant):
            # Whoever waited here finds what the first one built.
            async with self._locks.setdefault(key, asyncio.Lock()):
                held = await self._renewed(key, visible)
        self._held[key] = held
        self._held.move_to_end(key)
        while len(self._held) > MOST_HELD:
            self._locks.pop(self._held.popitem(last=False)[0], None)
        return held

    async def _renewed(self, key: Key, visible: Visible | None) -> CachedIndex:
        # The state is read before what it names: a change in between is then seen by the next question.
        tenant = key[0]
        state = await self.state(tenant)
        held = self._held.get(key)
        if held is not None and held.state == state:
            return held
        snapshot, passages = await asyncio.gather(self._graph.snapshot(tenant), self._passages.all_passages(tenant))
        if visible is not None:
            passages = visible.passages(passages)
            snapshot = part_of(snapshot, passages)
        before = held.index if held is not None else None
        renewed = CachedIndex(state, await asyncio.to_thread(Index, passages, snapshot, before))
        self._held[key] = renewed
        return renewed

    async def state(self, tenant: str) -> tuple[str, str]:
        """Versions of the tenant's graph and passages. Raises what the readers raise."""
        graph, passages = await asyncio.gather(self._graph.content_tag(tenant), self._passages.content_tag(tenant))
        return graph, passages
