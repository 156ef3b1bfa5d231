"""The graph as answers read it: with what somebody called wrong of what passages state."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from projections.graph.reads import GraphContent, GraphSnapshot, Mention, Subject
from projections.relational.reads import RelationalReader


class JudgedGraph:
    """Implements `projections.graph.reads.GraphContent` over another one."""

    def __init__(self, graph: GraphContent, relational: RelationalReader) -> None:
        self._graph = graph
        self._relational = relational

    async def content_tag(self, tenant: str) -> str:
        """What was called wrong is part of it: the other read model may have it later than the graph."""
        graph, wrong = await asyncio.gather(self._graph.content_tag(tenant), self._relational.wrong_tag(tenant))
        return f"{graph} {wrong}" if wrong else graph

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
        """What these passages say, and what of it was called wrong."""
        found, wrong = await asyncio.gather(
            self._graph.around(tenant, chunk_ids), self._relational.called_wrong(tenant, chunk_ids)
        )
        return replace(found, wrong=wrong)
