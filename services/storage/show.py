"""A document as the relational read model has it, a chunk in its document, or an entity and what is around it."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.access import collection_of
from eventstore.reader import EventReader
from projections.graph.reads import Entity, GraphReader, Node
from projections.relational.reads import DocumentRow, RelationalReader
from projections.vector.reads import PassageReader
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.storage.chunk import ChunkInContext, ReadChunk
from services.storage.lookup import find_aggregate
from services.storage.masking import without
from services.storage.visibility import visible

EDGES = 20


@dataclass(frozen=True, slots=True)
class NamedEdge:
    """An edge at an entity, its ends by name; a passage's name is its title in brackets."""

    source: str
    label: str
    target: str


@dataclass(frozen=True, slots=True)
class EntityView:
    """An entity with at most EDGES edges at it."""

    entity: Entity
    edges: tuple[NamedEdge, ...]


class Show:
    """Raises AccessDeniedError, NotFoundError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(
        self,
        reader: EventReader,
        relational: RelationalReader,
        graph: GraphReader,
        passages: PassageReader,
        chunks: ReadChunk,
    ) -> None:
        self._reader = reader
        self._relational = relational
        self._graph = graph
        self._passages = passages
        self._chunks = chunks

    async def show(
        self, caller: Caller, names: Sequence[str], deadline: Deadline
    ) -> DocumentRow | ChunkInContext | EntityView:
        """The document that has one of these ids, else the chunk of the first id, else the entity of the first name.

        What the caller may not see is not there, and not told from what is not.
        """
        caller.require("documents", "read")
        reach = caller.access.reach("documents", "read")
        async with deadline.enforce("showing"):
            try:
                key = await find_aggregate(self._reader, caller, names, ["document"])
                seen = await visible(self._reader, caller, [key.aggregate_id], reach)
            except NotFoundError:
                seen = frozenset()
            if not seen:
                if caller.access.decide("chunks", "read").allowed:
                    with contextlib.suppress(NotFoundError):
                        return await self._chunks.read(caller, names[0], deadline=deadline)
                return await self._entity(caller, names[0], "document, no chunk and no entity")
            document = await self._relational.document(caller.tenant, key.aggregate_id, reach.searched)
        masked = frozenset[str]() if document is None else reach.masked_fields(collection_of(document.attributes))
        if document is None or masked is None:
            raise NotFoundError(f"document {key.aggregate_id} was deleted, or is still on its way; see: annals history")
        return without(document, masked)

    async def entity(self, caller: Caller, name: str, *, deadline: Deadline) -> EntityView:
        """The entity of this name or id."""
        caller.require("entities", "read")
        async with deadline.enforce("showing an entity"):
            return await self._entity(caller, name, "entity")

    async def _entity(self, caller: Caller, name: str, what: str) -> EntityView:
        tenant, seen = caller.tenant, caller.access.reach("entities", "read").searched
        entities = await self._graph.find(tenant, [name], collections=seen)
        entities = entities or await self._graph.entities(tenant, [name], collections=seen)
        if not entities:
            raise NotFoundError(
                f"there is no {what} {name!r}; `annals list` and `annals entity list` show what there is"
            ) from None
        return await self._around(tenant, entities[0], seen)

    async def _around(self, tenant: str, entity: Entity, seen: frozenset[str] | None) -> EntityView:
        edges = await self._graph.neighbours(tenant, Node("entity", entity.entity_id), EDGES, collections=seen)
        ends = {end for edge in edges for end in (edge.source, edge.target)}
        passages = await self._passages.passages(tenant, [end.id for end in ends if end.kind == "passage"])
        around = await self._graph.entities(tenant, [end.id for end in ends if end.kind == "entity"], collections=seen)
        names = {node.entity_id: node.name for node in around}
        names |= {chunk_id: f"[{passage.title}]" for chunk_id, passage in passages.items()}
        return EntityView(
            entity,
            tuple(
                NamedEdge(names.get(edge.source.id, ""), edge.label, names.get(edge.target.id, "")) for edge in edges
            ),
        )
