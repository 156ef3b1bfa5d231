"""Questions that no single database can answer (specification 3.2, DatabaseIntegrationLayer).

Each is planned by what is known of the stores (`query_plan.py`), and its answer kept by the content that it rests on
(`query_cache.py`).
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np

from contracts.access import collection_of
from contracts.topics import Topics
from eventstore.positions import low_watermark
from projections.changes import ReadModel, uniform_positions
from projections.graph.reads import Entity, GraphReader, Node
from projections.relational.reads import DocumentRow, RelationalReader
from projections.store import Store
from projections.vector.reads import Hit, Passage, PassageReader, Vector
from security.reach import UNREADABLE, Reach
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.masking import fields_of_attributes, without
from services.storage.query_cache import QueryCache, Tags
from services.storage.query_plan import NOT_PLANNED, QueryOptimizer, QueryPlan

T = TypeVar("T")

DOCUMENTS_LIMIT = 10_000
"""Documents that a search is told to keep to. Where more pass its filter, it looks at what is near and sifts that."""

CANDIDATES_LIMIT = 10_000
"""Passages that one search looks at while it sifts: as many as OpenSearch gives."""

ROW_BYTES = 512
"""About what a row of an answer takes in memory, without its text."""

WIDER = 4
"""How many times more passages are looked at when those so far are too few."""


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A result, and how far each database that answered was, at least, when it did: positions in the log.

    `truncated`: a limit may have left some of the result out. `took_ms`: milliseconds of this call. `plan`: the order
    in which the databases were asked; `cached`: they were not, as their content is what it was when they were.
    """

    result: T
    positions: Mapping[str, int]
    truncated: bool = False
    took_ms: float = field(default=0.0, compare=False)
    plan: QueryPlan = field(default=NOT_PLANNED, compare=False)
    cached: bool = field(default=False, compare=False)


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
    """Asks the databases side by side where it can. Only of what the caller may see.

    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        relational: RelationalReader,
        graph: GraphReader,
        passages: PassageReader,
        models: Sequence[tuple[ReadModel, Store]],
        topics: Topics,
        optimizer: QueryOptimizer,
    ) -> None:
        """`models`: the three with the stores that hold them; their positions are in the partitions of `topics`."""
        self._relational = relational
        self._graph = graph
        self._passages = passages
        self._followed = {model.name: (store, uniform_positions(model, topics, 0)) for model, store in models}
        self._optimizer = optimizer
        self._cache: QueryCache[Answered[Any]] = QueryCache()

    async def document_with_entities(
        self, caller: Caller, document_id: str, *, deadline: Deadline
    ) -> Answered[DocumentWithEntities]:
        """Raises NotFoundError for a document that the relational read model does not have."""
        caller.require("documents", "read")
        tenant, reach = caller.tenant, caller.access.reach("documents", "read")

        async def ask() -> tuple[Answered[DocumentWithEntities], int]:
            if reach.is_everything:
                plan = self._optimizer.document_with_entities(tenant)
                found = await self._looked_up(tenant, document_id, plan)
            else:
                plan = self._optimizer.visible_document()
                found = await self._looked_up_within(tenant, document_id, reach)
            size = sum(len(chunk.text) for chunk in found.chunks) + ROW_BYTES * len(found.entities)
            return Answered(found, {}, plan=plan), size

        async with deadline.enforce("reading a document with its entities"):
            query = ("document", document_id, reach.key)
            return await self._kept(tenant, query, ("graph", "relational", "vector"), ask)

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
        vector hold fewer than `k` of theirs, or may do so by what the caller may not see.
        """
        caller.require("search", "read")
        tenant, vector, attributes = caller.tenant, np.asarray(query_vector, dtype=np.float32), dict(filters or {})
        seen = _searched_by(caller, attributes)

        async def ask() -> tuple[Answered[list[Found]], int]:
            plan = await self._optimizer.semantic_search(tenant, attributes, k, DOCUMENTS_LIMIT, seen)
            answered = await self._searched(tenant, model, vector, attributes, k, plan, seen)
            return answered, sum(len(one.passage.text) + ROW_BYTES for one in answered.result)

        query = ("search", model, vector.tobytes(), json.dumps(attributes, sort_keys=True), k, seen)
        async with deadline.enforce("searching by meaning"):
            return await self._kept(tenant, query, ("relational", "vector"), ask)

    async def graph_traversal(
        self, caller: Caller, start_entities: Sequence[str], max_hops: int, limit: int = 1000, *, deadline: Deadline
    ) -> Answered[list[Reached]]:
        """Entities within `max_hops` edges of those of these names or ids, the nearest first.

        Passages are nodes on the way, too. Truncated where there are more than `limit` nodes.
        """
        caller.require("entities", "read")
        seen = caller.access.reach("entities", "read").searched

        async def ask() -> tuple[Answered[list[Reached]], int]:
            answered = await self._walked(caller.tenant, start_entities, max_hops, limit, seen)
            return answered, ROW_BYTES * len(answered.result)

        query = ("traversal", tuple(start_entities), max_hops, limit, seen)
        async with deadline.enforce("walking the graph"):
            return await self._kept(caller.tenant, query, ("graph",), ask)

    async def explain_document_with_entities(self, caller: Caller, *, deadline: Deadline) -> QueryPlan:
        """In which order the databases would be asked for a document now."""
        caller.require("documents", "read")
        async with deadline.enforce("planning a query"):
            if not caller.access.reach("documents", "read").is_everything:
                return self._optimizer.visible_document()
            return self._optimizer.document_with_entities(caller.tenant)

    async def explain_semantic_search(
        self, caller: Caller, filters: Mapping[str, Any] | None = None, k: int = 10, *, deadline: Deadline
    ) -> QueryPlan:
        """In which order the databases would be asked for passages of documents that have all of `filters` now."""
        caller.require("search", "read")
        attributes = dict(filters or {})
        seen = _searched_by(caller, attributes)
        async with deadline.enforce("planning a query"):
            return await self._optimizer.semantic_search(caller.tenant, attributes, k, DOCUMENTS_LIMIT, seen)

    async def explain_graph_traversal(self, caller: Caller, *, deadline: Deadline) -> QueryPlan:
        """In which order the databases would be asked for a walk now."""
        caller.require("entities", "read")
        async with deadline.enforce("planning a query"):
            return self._optimizer.graph_traversal()

    async def _kept(
        self,
        tenant: str,
        query: Hashable,
        stores: Sequence[str],
        ask: Callable[[], Awaitable[tuple[Answered[T], int]]],
    ) -> Answered[T]:
        """The answer of the cache where the stores' content is the same, else that of `ask`, which is kept.

        `ask` says about how many bytes its answer has.
        """
        began = time.perf_counter()
        # Read in this order: what the tags stand for is at least as new as the positions.
        positions = await self._positions(*stores)
        tags = await self._tags(tenant, stores)
        kept = self._cache.get(tenant, query, tags)
        if kept is not None:
            return replace(kept, positions=positions, took_ms=_milliseconds_since(began), cached=True)
        visible = await self._visible(tenant, stores, tags)
        answered, size = await ask()
        if visible is not None:
            self._cache.put(tenant, query, visible, answered, size)
        return replace(answered, positions=positions, took_ms=_milliseconds_since(began))

    async def _tags(self, tenant: str, stores: Sequence[str]) -> Tags:
        return tuple(await asyncio.gather(*(self._followed[name][0].content_tag(tenant) for name in stores)))

    async def _visible(self, tenant: str, stores: Sequence[str], tags: Tags) -> Tags | None:
        """Tags all of whose content is seen from now on; None where the graph cannot tell."""
        if "graph" not in stores:
            return tags
        tag = await self._graph.visible_tag(tenant)
        return (
            None
            if tag is None
            else tuple(tag if name == "graph" else own for name, own in zip(stores, tags, strict=True))
        )

    async def _looked_up(self, tenant: str, document_id: str, plan: QueryPlan) -> DocumentWithEntities:
        """Raises NotFoundError."""
        took: dict[str, float] = {}

        async def timed(store: str, reading: Awaitable[T]) -> T:
            began = time.perf_counter()
            try:
                return await reading
            finally:
                took[store] = _milliseconds_since(began)

        async def row() -> DocumentRow | None:
            return await timed("relational", self._relational.document(tenant, document_id))

        async def rest() -> tuple[list[Entity], list[Passage]]:
            entities, chunks = await asyncio.gather(
                timed("graph", self._graph.entities_in(tenant, document_id)),
                timed("vector", self._passages.of_document(tenant, document_id)),
            )
            return entities, chunks

        if len(plan.steps) == 1:
            document, (entities, chunks) = await asyncio.gather(row(), rest())
        else:
            document = await row()
            entities, chunks = await rest() if document is not None else ([], [])
        self._optimizer.saw_lookup(tenant, took, missed=document is None)
        if document is None:
            raise NotFoundError(f"there is no document {document_id!r}")
        return DocumentWithEntities(document, entities, chunks)

    async def _looked_up_within(self, tenant: str, document_id: str, reach: Reach) -> DocumentWithEntities:
        """A document that may not be seen takes as long as none. Raises NotFoundError."""
        collection = await self._relational.collection(tenant, document_id)
        if collection is None or reach.masked_fields(collection) is None:
            raise NotFoundError(f"there is no document {document_id!r}")
        seen = reach.searched
        document, entities, chunks = await asyncio.gather(
            self._relational.document(tenant, document_id, seen),
            self._graph.entities_in(tenant, document_id, collections=seen),
            self._passages.of_document(tenant, document_id),
        )
        masked = reach.masked_fields(collection_of(document.attributes)) if document is not None else None
        if document is None or masked is None:
            raise NotFoundError(f"there is no document {document_id!r}")
        if not masked.isdisjoint(UNREADABLE):
            return DocumentWithEntities(without(document, masked), (), ())
        return DocumentWithEntities(without(document, masked), entities, chunks)

    async def _searched(
        self,
        tenant: str,
        model: str,
        vector: Vector,
        attributes: dict[str, Any],
        k: int,
        plan: QueryPlan,
        seen: frozenset[str] | None,
    ) -> Answered[list[Found]]:
        if attributes and plan.order[0] == ("vector",):
            sifted = await self._sifted(tenant, model, vector, attributes, k, seen)
            if len(sifted) >= k:
                return Answered(sifted, {}, truncated=seen is not None, plan=plan)
        documents = None
        if attributes or seen is not None:
            documents = await self._relational.with_attributes(tenant, attributes, DOCUMENTS_LIMIT + 1, seen)
            if len(documents) > DOCUMENTS_LIMIT:
                if plan.order[0] != ("vector",) or not attributes:
                    sifted = await self._sifted(tenant, model, vector, attributes, k, seen)
                return Answered(sifted, {}, truncated=len(sifted) < k or seen is not None, plan=plan)
        hits = await self._passages.nearest(tenant, model, vector, k, documents)
        return Answered(_found(hits, await self._passages.passages(tenant, _ids(hits))), {}, plan=plan)

    async def _walked(
        self, tenant: str, starts: Sequence[str], max_hops: int, limit: int, seen: frozenset[str] | None
    ) -> Answered[list[Reached]]:
        named, known = await asyncio.gather(
            self._graph.find(tenant, starts, collections=seen), self._graph.entities(tenant, starts, collections=seen)
        )
        begin = [Node("entity", entity.entity_id) for entity in (*named, *known)]
        nodes = list((await self._graph.k_hops(tenant, begin, max_hops, limit + 1, collections=seen)).items())
        hops = {node.id: distance for node, distance in nodes[:limit] if node.kind == "entity"}
        entities = await self._graph.entities(tenant, list(hops), collections=seen)
        reached = [Reached(entity, hops[entity.entity_id]) for entity in entities if entity.entity_id in hops]
        reached.sort(key=lambda one: (one.hops, one.entity.name))
        return Answered(reached, {}, truncated=len(nodes) > limit, plan=self._optimizer.graph_traversal())

    async def _sifted(
        self,
        tenant: str,
        model: str,
        vector: Vector,
        attributes: dict[str, Any],
        k: int,
        seen: frozenset[str] | None,
    ) -> list[Found]:
        """Of more and more of the passages near to a vector, those of documents that have these attributes."""
        passages: dict[str, Passage] = {}
        documents: set[str] = set()
        size = k
        while True:
            size = min(WIDER * size, CANDIDATES_LIMIT)
            hits = await self._passages.nearest(tenant, model, vector, size)
            new = await self._passages.passages(tenant, [own for own in _ids(hits) if own not in passages])
            nearby = {passage.document_id for passage in new.values()}
            documents |= await self._relational.having(tenant, sorted(nearby), attributes, seen)
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


def _searched_by(caller: Caller, attributes: Mapping[str, Any]) -> frozenset[str] | None:
    """Collections whose documents may be found by their texts and these attributes; None for all."""
    return caller.access.reach("search", "read").showing(UNREADABLE | fields_of_attributes(attributes))


def _milliseconds_since(began: float) -> float:
    return 1000 * (time.perf_counter() - began)


def _ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk_id for hit in hits]


def _found(hits: Sequence[Hit], passages: Mapping[str, Passage]) -> list[Found]:
    """A passage that went away since it was hit is left out."""
    return [Found(passages[hit.chunk_id], hit.score) for hit in hits if hit.chunk_id in passages]
