"""What views of the graph have in common: most of it is as the graph behind them has it."""

from collections.abc import Sequence

from projections.graph.reads import GraphContent, GraphSnapshot, Mention, Subject


class GraphOver:
    """Implements `projections.graph.reads.GraphContent` over another one; each read is that one's."""

    def __init__(self, graph: GraphContent) -> None:
        self._graph = graph

    async def content_tag(self, tenant: str) -> str:
        """As the graph has it."""
        return await self._graph.content_tag(tenant)

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """As the graph has them."""
        return await self._graph.named(tenant, keys, most)

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """As the graph has them."""
        return await self._graph.mentioned(tenant, keys, most)

    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """As the graph has them."""
        return await self._graph.spread(tenant, entity_ids)

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """As the graph has it."""
        return await self._graph.around(tenant, chunk_ids)
