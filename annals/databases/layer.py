"""Questions that no single database can answer (specification 3.2, DatabaseIntegrationLayer)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from annals.errors import NotFoundError
from projections.graph.reads import Entity, GraphReader, Node
from projections.relational.reads import DocumentRow, RelationalReader
from projections.store import Store
from projections.vector.reads import Passage, PassageReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A result, and how far each database that answered was, at least, when it did: positions in the log."""

    result: T
    positions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DocumentWithEntities:
    """A document (relational), the entities it speaks of (graph), its passages (vector)."""

    document: DocumentRow
    entities: Sequence[Entity]
    chunks: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and its cosine similarity with what was searched for."""

    passage: Passage
    score: float


@dataclass(frozen=True, slots=True)
class Reached:
    """An entity of a traversal and its distance, in edges, from the nearest start."""

    entity: Entity
    hops: int


class DatabaseIntegrationLayer:
    """Asks the databases side by side where it can. Every method raises StoreUnavailable."""

    def __init__(
        self,
        relational: RelationalReader,
        graph: GraphReader,
        passages: PassageReader,
        stores: Mapping[str, Store],
    ) -> None:
        """`stores`: by the names `relational`, `graph`, `vector`."""
        self._relational = relational
        self._graph = graph
        self._passages = passages
        self._stores = stores

    async def document_with_entities(self, tenant: str, document_id: str) -> Answered[DocumentWithEntities]:
        """Raises NotFoundError for a document that the relational read model does not have."""
        positions = await self._positions("relational", "graph", "vector")
        document, entities, chunks = await asyncio.gather(
            self._relational.document(tenant, document_id),
            self._graph.entities_in(tenant, document_id),
            self._passages.of_document(tenant, document_id),
        )
        if document is None:
            raise NotFoundError(f"there is no document {document_id!r}")
        return Answered(DocumentWithEntities(document, entities, chunks), positions)

    async def semantic_search(
        self, tenant: str, query_vector: Sequence[float], filters: Mapping[str, Any] | None = None, k: int = 10
    ) -> Answered[list[Found]]:
        """The `k` passages nearest to a vector, of documents whose attributes are as `filters` says."""
        positions = await self._positions("relational", "vector")
        documents = await self._relational.with_attributes(tenant, dict(filters)) if filters else None
        if documents == []:
            return Answered([], positions)
        hits = await self._passages.nearest(tenant, np.asarray(query_vector, dtype=np.float32), k, documents)
        passages = await self._passages.passages(tenant, [hit.chunk_id for hit in hits])
        found = [Found(passages[hit.chunk_id], hit.score) for hit in hits if hit.chunk_id in passages]
        return Answered(found, positions)

    async def graph_traversal(
        self, tenant: str, start_entities: Sequence[str], max_hops: int, limit: int = 1000
    ) -> Answered[list[Reached]]:
        """Entities within `max_hops` edges of those named, the nearest first; at most `limit` nodes are visited."""
        positions = await self._positions("graph")
        starts = await self._graph.find(tenant, start_entities)
        nodes = await self._graph.k_hops(
            tenant, [Node("entity", entity.entity_id) for entity in starts], max_hops, limit
        )
        hops = {node.id: distance for node, distance in nodes.items() if node.kind == "entity"}
        entities = await self._graph.entities(tenant, list(hops))
        reached = [Reached(entity, hops[entity.entity_id]) for entity in entities if entity.entity_id in hops]
        return Answered(sorted(reached, key=lambda one: (one.hops, one.entity.name)), positions)

    async def _positions(self, *names: str) -> dict[str, int]:
        """Read before the question is put: the answer is at least as new."""
        found = await asyncio.gather(*(self._stores[name].positions() for name in names))
        return {name: min(places.values(), default=0) for name, places in zip(names, found, strict=True)}
