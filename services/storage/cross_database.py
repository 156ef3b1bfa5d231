"""Questions that no single database can answer (specification 3.2, DatabaseIntegrationLayer)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from contracts.topics import Topics
from eventstore.positions import low_watermark
from projections.changes import ReadModel, uniform_positions
from projections.graph.reads import Entity, GraphReader, Node
from projections.relational.reads import DocumentRow, RelationalReader
from projections.store import Store
from projections.vector.reads import Hit, Passage, PassageReader, Vector
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError

T = TypeVar("T")

DOCUMENTS_LIMIT = 10_000
"""Documents that a search is told to keep to. Where more pass its filter, it looks at what is near and sifts that."""

CANDIDATES_LIMIT = 10_000
"""Passages that one search looks at while it sifts: as many as OpenSearch gives."""

WIDER = 4
"""How many times more passages are looked at when those so far are too few."""


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A result, and how far each database that answered was, at least, when it did: positions in the log.

    `truncated`: a limit may have left some of the result out.
    """

    result: T
    positions: Mapping[str, int]
    truncated: bool = False


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
    """Asks the databases side by side where it can.

    Every method raises StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        relational: RelationalReader,
        graph: GraphReader,
        passages: PassageReader,
        models: Sequence[tuple[ReadModel, Store]],
        topics: Topics,
    ) -> None:
        """`models`: the three with the stores that hold them; their positions are in the partitions of `topics`."""
        self._relational = relational
        self._graph = graph
        self._passages = passages
        self._followed = {model.name: (store, uniform_positions(model, topics, 0)) for model, store in models}

    async def document_with_entities(
        self, caller: Caller, document_id: str, *, deadline: Deadline
    ) -> Answered[DocumentWithEntities]:
        """Raises NotFoundError for a document that the relational read model does not have."""
        async with deadline.enforce("reading a document with its entities"):
            positions = await self._positions("relational", "graph", "vector")
            document, entities, chunks = await asyncio.gather(
                self._relational.document(caller.tenant, document_id),
                self._graph.entities_in(caller.tenant, document_id),
                self._passages.of_document(caller.tenant, document_id),
            )
        if document is None:
            raise NotFoundError(f"there is no document {document_id!r}")
        return Answered(DocumentWithEntities(document, entities, chunks), positions)

    async def semantic_search(
        self,
        caller: Caller,
        model: str,
        query_vector: Sequence[float],
        filters: Mapping[str, Any] | None = None,
        k: int = 10,
        *,
        deadline: Deadline,
    ) -> Answered[list[Found]]:
        """The `k` passages nearest to a vector of the revision `model`, of documents that have all of `filters`.

        Truncated where more than DOCUMENTS_LIMIT documents have them and the CANDIDATES_LIMIT passages nearest to the
        vector hold fewer than `k` of theirs.
        """
        async with deadline.enforce("searching by meaning"):
            positions = await self._positions("relational", "vector")
            vector = np.asarray(query_vector, dtype=np.float32)
            documents = None
            if filters:
                attributes = dict(filters)
                documents = await self._relational.with_attributes(caller.tenant, attributes, DOCUMENTS_LIMIT + 1)
                if len(documents) > DOCUMENTS_LIMIT:
                    sifted = await self._sifted(caller.tenant, model, vector, attributes, k)
                    return Answered(sifted, positions, truncated=len(sifted) < k)
            hits = await self._passages.nearest(caller.tenant, model, vector, k, documents)
            return Answered(_found(hits, await self._passages.passages(caller.tenant, _ids(hits))), positions)

    async def graph_traversal(
        self, caller: Caller, start_entities: Sequence[str], max_hops: int, limit: int = 1000, *, deadline: Deadline
    ) -> Answered[list[Reached]]:
        """Entities within `max_hops` edges of those of these names or ids, the nearest first.

        Passages are nodes on the way, too. Truncated where there are more than `limit` nodes.
        """
        async with deadline.enforce("walking the graph"):
            positions = await self._positions("graph")
            named, known = await asyncio.gather(
                self._graph.find(caller.tenant, start_entities), self._graph.entities(caller.tenant, start_entities)
            )
            starts = [Node("entity", entity.entity_id) for entity in (*named, *known)]
            nodes = list((await self._graph.k_hops(caller.tenant, starts, max_hops, limit + 1)).items())
            hops = {node.id: distance for node, distance in nodes[:limit] if node.kind == "entity"}
            entities = await self._graph.entities(caller.tenant, list(hops))
        reached = [Reached(entity, hops[entity.entity_id]) for entity in entities if entity.entity_id in hops]
        reached.sort(key=lambda one: (one.hops, one.entity.name))
        return Answered(reached, positions, truncated=len(nodes) > limit)

    async def _sifted(self, tenant: str, model: str, vector: Vector, attributes: dict[str, Any], k: int) -> list[Found]:
        """Of more and more of the passages near to a vector, those of documents that have these attributes."""
        passages: dict[str, Passage] = {}
        documents: set[str] = set()
        size = k
        while True:
            size = min(WIDER * size, CANDIDATES_LIMIT)
            hits = await self._passages.nearest(tenant, model, vector, size)
            new = await self._passages.passages(tenant, [own for own in _ids(hits) if own not in passages])
            nearby = {passage.document_id for passage in new.values()}
            documents |= await self._relational.having(tenant, sorted(nearby), attributes)
            passages |= new
            found = [one for one in _found(hits, passages) if one.passage.document_id in documents]
            if len(found) >= k or len(hits) < size or size == CANDIDATES_LIMIT:
                return found[:k]

    async def _positions(self, *names: str) -> dict[str, int]:
        """Read before the question is put: the answer is at least as new."""
        return dict(zip(names, await asyncio.gather(*map(self._position, names)), strict=True))

    async def _position(self, name: str) -> int:
        store, followed = self._followed[name]
        return low_watermark(await store.positions(), followed)


def _ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk_id for hit in hits]


def _found(hits: Sequence[Hit], passages: Mapping[str, Passage]) -> list[Found]:
    """A passage that went away since it was hit is left out."""
    return [Found(passages[hit.chunk_id], hit.score) for hit in hits if hit.chunk_id in passages]
