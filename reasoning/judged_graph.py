"""The graph as answers read it: with what somebody called wrong of what passages state."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from projections.graph.reads import GraphContent, GraphSnapshot
from projections.relational.reads import RelationalReader
from reasoning.graph_over import GraphOver


class JudgedGraph(GraphOver):
    """Marks what was called wrong."""

    def __init__(self, graph: GraphContent, relational: RelationalReader) -> None:
        super().__init__(graph)
        self._relational = relational

    async def content_tag(self, tenant: str) -> str:
        """What was called wrong is part of it: the other read model may have it later than the graph."""
        graph, wrong = await asyncio.gather(super().content_tag(tenant), self._relational.wrong_tag(tenant))
        return f"{graph} {wrong}" if wrong else graph

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say, and what of it was called wrong."""
        found, wrong = await asyncio.gather(
            super().around(tenant, chunk_ids), self._relational.called_wrong(tenant, chunk_ids)
        )
        return replace(found, wrong=wrong)
