"""What readers of the graph share: a name is looked up by its id, and walks ask for the edges at given nodes alone."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

from contracts.folding import name_key
from contracts.ids import entity_id
from projections.graph.reads import Edge, Entity, Node
from projections.graph.walk import EDGES_LIMIT, EdgesAt, k_hops, shortest_paths


class WalkingReader(ABC):
    """The walks of `projections.graph.reads.GraphReader`, over what a database gives."""

    @abstractmethod
    async def entities(
        self, tenant: str, entity_ids: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """Those of these ids that are there, by id; a merged one is answered by what it became."""

    @abstractmethod
    async def _called(self, tenant: str, keys: Sequence[str]) -> set[str]:
        """Ids of the entities that people call by one of the names of these keys."""

    @abstractmethod
    async def _resolved(self, tenant: str, nodes: Sequence[Node], collections: frozenset[str] | None) -> list[Node]:
        """What became of these nodes: edges never end at an entity that was merged into another."""

    @abstractmethod
    async def _edges_at(
        self, tenant: str, nodes: Sequence[Node], limit: int, collections: frozenset[str] | None
    ) -> list[Edge]:
        """Edges at these nodes, and at those that were merged into them; at most `limit`, in a stable order."""

    async def find(
        self, tenant: str, names: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities of these names: an id follows from its name, and people may have given it others."""
        own = [entity_id(tenant, name) for name in names]
        called = await self._called(tenant, [key for name in names if (key := name_key(name))])
        return await self.entities(tenant, [*own, *sorted(called)], collections=collections)

    async def neighbours(
        self, tenant: str, node: Node, limit: int = 100, *, collections: frozenset[str] | None = None
    ) -> list[Edge]:
        """Edges at a node, at most `limit`, in a stable order."""
        return await self._edges_at(tenant, [node], limit, collections)

    async def paths(
        self, tenant: str, start: Node, end: Node, max_hops: int = 4, *, collections: frozenset[str] | None = None
    ) -> list[list[Edge]]:
        """The shortest paths between two nodes."""
        start, end = await self._resolved(tenant, [start, end], collections)
        return await shortest_paths(self._step(tenant, collections), start, end, max_hops)

    async def k_hops(
        self,
        tenant: str,
        starts: Sequence[Node],
        hops: int,
        limit: int = 1000,
        *,
        collections: frozenset[str] | None = None,
    ) -> dict[Node, int]:
        """Nodes within `hops` edges, with their distance."""
        resolved = await self._resolved(tenant, starts, collections)
        return await k_hops(self._step(tenant, collections), resolved, hops, limit)

    def _step(self, tenant: str, collections: frozenset[str] | None) -> EdgesAt:
        return partial(self._edges_at, tenant, limit=EDGES_LIMIT, collections=collections)
