"""The graph as answers read it where there is an ontology: what violates it has less weight."""

from collections.abc import Sequence
from dataclasses import replace

from contracts.ontology import VIOLATING, Ontology
from projections.graph.reads import GraphContent, GraphReader, GraphSnapshot
from projections.relational.reads import RelationalReader
from reasoning.graph_over import GraphOver


class TypedGraph(GraphOver):
    """Weighs statements by the ontology."""

    def __init__(self, graph: GraphReader, relational: RelationalReader, ontology: Ontology) -> None:
        super().__init__(graph)
        self._reader = graph
        self._relational = relational
        self._ontology = ontology

    async def content_tag(self, tenant: str) -> str:
        """The ontology's revision is part of it: what was answered by another one is asked anew."""
        return f"{await super().content_tag(tenant)} {self._ontology.revision}"

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say; a statement that violates the ontology has VIOLATING of its confidence.

        Not so where somebody called it right.
        """
        found = await super().around(tenant, chunk_ids)
        ruled = [one for one in found.statements if self._ontology.rules(one.predicate)]
        if not ruled:
            return found
        ends = sorted({end for one in ruled for end in (one.subject_id, one.object_id)})
        types = {one.entity_id: one.type for one in await self._reader.entities(tenant, ends)}
        wrong = {
            one.relation_id
            for one in ruled
            if self._ontology.violation(one.predicate, types.get(one.subject_id), types.get(one.object_id)) is not None
        }
        if wrong:
            wrong -= await self._relational.called_right(tenant, sorted(wrong))
        weighed = [
            one._replace(confidence=one.confidence * VIOLATING) if one.relation_id in wrong else one
            for one in found.statements
        ]
        return replace(found, statements=weighed)


def typed(graph: GraphReader, relational: RelationalReader, ontology: Ontology) -> GraphContent:
    """The graph itself where nothing is said of its relations."""
    return TypedGraph(graph, relational, ontology) if ontology.predicates else graph
