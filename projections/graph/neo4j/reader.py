"""The graph in Neo4j: reads."""

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from neo4j import AsyncTransaction, Record

from contracts.ids import entity_id
from eventstore.errors import StoreUnavailableError
from projections.errors import ReadModelReplacedError
from projections.graph.naming import EntityNames
from projections.graph.neo4j import queries
from projections.graph.neo4j.connection import Neo4jDriver, alone, fetch, transaction
from projections.graph.neo4j.consistent import consistent_read, visible_content
from projections.graph.neo4j.store import NAME, Neo4jGraphStore
from projections.graph.reads import Edge, Entity, GraphSnapshot, Mention, Node, Statement, Subject
from projections.graph.walking import WalkingReader
from projections.postgres.consistent_read import TRIES, retry_replaced

TURN_LIMIT_S = 20.0

_OF_ALL = (queries.SUBJECTS, queries.MENTIONS, queries.STATEMENTS)
_OF_PASSAGES = (queries.SUBJECTS_OF, queries.MENTIONS_OF, queries.STATEMENTS_OF)

MERGES_LIMIT = 16
"""Merges followed in a row; a chain that bites its tail ends after as many steps as any sane chain has."""


class _Base(NamedTuple):
    """The generation that is read, and for each merged entity the one that it became."""

    generation: str
    merged: Mapping[str, str]

    def of(self, entity: str) -> str:
        """The entity that it became."""
        return self.merged.get(entity, entity)

    def resolved(self, node: Node) -> Node:
        """What became of it: edges never end at an entity that was merged into another."""
        return Node(node.kind, self.of(node.id)) if node.kind == "entity" else node


class Neo4jGraph(WalkingReader):
    """Implements `projections.graph.reads.GraphReader` over the live generation."""

    def __init__(self, driver: Neo4jDriver) -> None:
        self._driver = driver
        self._store = Neo4jGraphStore(driver)

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's graph changes."""
        return await self._store.content_tag(tenant)

    async def visible_tag(self, tenant: str) -> str | None:
        """The content tag, once nobody is at work who may have written a part of that content; None where the graph is
        written without a pause.
        """
        try:
            return (await visible_content(self._driver, NAME, tenant)).tag
        except ReadModelReplacedError:
            return None

    async def snapshot(self, tenant: str) -> GraphSnapshot:
        """All of it, as of one moment.

        Where the tenant's graph is written again and again meanwhile, writers wait for one that is read within
        TURN_LIMIT_S; Neo4j lets them go on then, whatever became of the reader.
        """
        for _ in range(TRIES):
            with contextlib.suppress(ReadModelReplacedError):
                async with (
                    consistent_read(self._driver, NAME, tenant) as generation,
                    transaction(self._driver) as tx,
                ):
                    found = await _snapshot(tx, generation, tenant)
                return found
        async with transaction(self._driver, TURN_LIMIT_S) as tx:
            return await _snapshot(tx, await self._store.take_turn(tx), tenant)

    @retry_replaced
    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say."""
        base = await self._base(tenant)
        async with transaction(self._driver) as tx:
            found = await _rows_of(tx, base, tenant, _OF_PASSAGES, chunks=list(dict.fromkeys(chunk_ids)))
            still = await fetch(tx, queries.MERGED, name=NAME, tenant=tenant)
        if _base(still).generation != base.generation:
            raise ReadModelReplacedError()
        return found

    @retry_replaced
    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """The passages that these names are of, the surest first."""
        base = await self._base(tenant)
        lookups = [f"{base.generation}/{tenant}/{key}" for key in dict.fromkeys(keys) if key]
        rows = await self._rows(queries.NAMED, base, tenant, lookups=lookups, most=most)
        return [Subject(base.of(row[0]), *row[1:]) for row in rows]

    @retry_replaced
    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """The passages that mention the entities of these names."""
        base = await self._base(tenant)
        lookups = [f"{base.generation}/{tenant}/{key}" for key in keys if key]
        accented = await self._rows(queries.ACCENTED, base, tenant, lookups=lookups)
        named = {base.of(one) for one in (*(entity_id(tenant, key) for key in keys), *accented)}
        members = sorted(named | {old for old, into in base.merged.items() if into in named})
        rows = await self._rows(queries.MENTIONED, base, tenant, ids=members, most=most)
        found: dict[str, list[Mention]] = {}
        for row in rows:
            found.setdefault(base.of(row[0]), []).append(Mention(base.of(row[0]), *row[1:]))
        return [one for of in found.values() for one in sorted(of, key=lambda one: one.chunk_id)[:most]]

    @retry_replaced
    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """How many passages speak of each of these entities."""
        base = await self._base(tenant)
        return dict(await self._rows(queries.SPREAD, base, tenant, ids=list(dict.fromkeys(entity_ids))))

    @retry_replaced
    async def entities(
        self, tenant: str, entity_ids: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """By id, in the order of the ids. One that somebody called no entity is left out."""
        base = await self._base(tenant, collections)
        ids = sorted({base.of(one) for one in entity_ids})
        if collections is None:
            return [Entity(*row) for row in await self._rows(queries.ENTITIES, base, tenant, ids=ids)]
        rows = await self._rows(queries.VISIBLE_ENTITIES, base, tenant, ids=ids, collections=sorted(collections))
        return [_entity(*row) for row in rows]

    @retry_replaced
    async def entities_in(
        self, tenant: str, document_id: str, *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities that a document's passages name, are about, or state something of; by id."""
        base = await self._base(tenant)
        kept = None if collections is None else sorted(collections)
        ids = await self._rows(queries.IN_DOCUMENT, base, tenant, document_id=document_id, collections=kept)
        return await self.entities(tenant, ids, collections=collections)

    async def _resolved(self, tenant: str, nodes: Sequence[Node], collections: frozenset[str] | None) -> list[Node]:
        base = await self._base(tenant, collections)
        return [base.resolved(node) for node in nodes]

    @retry_replaced
    async def _edges_at(
        self, tenant: str, nodes: Sequence[Node], limit: int, collections: frozenset[str] | None
    ) -> list[Edge]:
        base = await self._base(tenant, collections)
        resolved = [base.resolved(node) for node in nodes]
        entities = {node.id for node in resolved if node.kind == "entity"}
        # Edges of what was merged into an entity are its own.
        entities |= {old for old, into in base.merged.items() if into in entities}
        passages = [node.id for node in resolved if node.kind == "passage"]
        query, kept = (
            (queries.EDGES, {})
            if collections is None
            else (queries.VISIBLE_EDGES, {"collections": sorted(collections)})
        )
        rows = await self._rows(query, base, tenant, entities=sorted(entities), passages=passages, limit=limit, **kept)
        edges = (
            Edge(base.resolved(Node(kind, source)), label, base.resolved(Node(other_kind, target)))
            for kind, source, label, other_kind, target in rows
        )
        return list(dict.fromkeys(edges))

    async def _base(self, tenant: str, collections: frozenset[str] | None = None) -> _Base:
        """With the merges of those alone that documents of these collections name both."""
        base = _base(await alone(self._driver, queries.MERGED, name=NAME, tenant=tenant))
        if collections is None or not base.merged:
            return base
        ends = sorted({*base.merged, *base.merged.values()})
        there = set(await self._rows(queries.SPOKEN_OF, base, tenant, ids=ends, collections=sorted(collections)))
        merged = {old: into for old, into in base.merged.items() if old in there and into in there}
        return base._replace(merged=merged)

    async def _rows(self, query: str, base: _Base, tenant: str, **parameters: Any) -> list[Any]:
        """Raises ReadModelReplacedError where another generation is live: this one may be deleted in part."""
        found = await alone(self._driver, query, name=NAME, generation=base.generation, tenant=tenant, **parameters)
        if not found or not found[0]["still"]:
            raise ReadModelReplacedError()
        return list(found[0]["found"])


def _entity(
    entity: str, name: str | None, kind: str | None, said: Sequence[tuple[str, str, int]], passages: int
) -> Entity:
    """What a person decided (`name`, `kind`) comes before what documents say."""
    names = EntityNames(Counter({(own, of): times for own, of, times in said}), passages)
    return Entity(entity, name or names.name or entity, kind or names.type, passages)


async def _snapshot(tx: AsyncTransaction, generation: str, tenant: str) -> GraphSnapshot:
    base = _base(await fetch(tx, queries.MERGED, name=NAME, tenant=tenant))
    return await _rows_of(tx, base._replace(generation=generation), tenant, _OF_ALL)


async def _rows_of(
    tx: AsyncTransaction, base: _Base, tenant: str, of: tuple[str, str, str], **parameters: Any
) -> GraphSnapshot:
    subjects, mentions, statements = [
        await fetch(tx, query, generation=base.generation, tenant=tenant, **parameters) for query in of
    ]
    return GraphSnapshot(
        subjects=[Subject(base.of(row[0]), *row[1:]) for row in subjects],
        mentions=[Mention(base.of(row[0]), *row[1:]) for row in mentions],
        statements=[
            Statement(row[0], base.of(row[1]), row[2], row[3], base.of(row[4]), *row[5:]) for row in statements
        ],
    )


def _base(records: Sequence[Record]) -> _Base:
    if not records:
        raise StoreUnavailableError("Neo4j holds no graph read model yet")
    into: dict[str, str] = dict(records[0]["merged"])
    return _Base(records[0]["generation"], {old: _end(into, old) for old in into})


def _end(into: Mapping[str, str], entity: str) -> str:
    for _ in range(MERGES_LIMIT):
        if entity not in into:
            break
        entity = into[entity]
    return entity
