"""The graph in Neo4j: reads."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from neo4j import AsyncTransaction, Record

from contracts.ids import entity_id
from eventstore.errors import StoreUnavailableError
from projections.errors import ReadModelReplacedError
from projections.graph.decided import Decided
from projections.graph.naming import EntityNames
from projections.graph.neo4j import queries
from projections.graph.neo4j.connection import Neo4jDriver, alone, fetch, transaction
from projections.graph.neo4j.consistent import consistent_read, visible_content
from projections.graph.neo4j.store import NAME, Neo4jGraphStore
from projections.graph.reads import Edge, Entity, GraphSnapshot, Mention, Node, Subject
from projections.graph.walking import WalkingReader
from projections.postgres.consistent_read import TRIES, retry_replaced

TURN_LIMIT_S = 20.0

_OF_ALL = (queries.SUBJECTS, queries.MENTIONS, queries.STATEMENTS)
_OF_PASSAGES = (queries.SUBJECTS_OF, queries.MENTIONS_OF, queries.STATEMENTS_OF)


class _Base(NamedTuple):
    """The generation that is read, and what people decided of the tenant's entities."""

    generation: str
    decided: Decided


class Neo4jGraph(WalkingReader):
    """Implements `projections.graph.reads.GraphReader` over the live generation, or the one that `name` stands for."""

    def __init__(self, driver: Neo4jDriver, name: str = NAME) -> None:
        self._driver = driver
        self._name = name
        self._store = Neo4jGraphStore(driver, name)

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's graph changes."""
        return await self._store.content_tag(tenant)

    async def visible_tag(self, tenant: str) -> str | None:
        """The content tag, once nobody is at work who may have written a part of that content; None where the graph is
        written without a pause.
        """
        try:
            return (await visible_content(self._driver, self._name, tenant)).tag
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
                    consistent_read(self._driver, self._name, tenant) as generation,
                    transaction(self._driver) as tx,
                ):
                    found = await _snapshot(tx, self._name, generation, tenant)
                return found
        async with transaction(self._driver, TURN_LIMIT_S) as tx:
            return await _snapshot(tx, self._name, await self._store.take_turn(tx), tenant)

    @retry_replaced
    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say."""
        base = await self._base(tenant)
        async with transaction(self._driver) as tx:
            found = await _rows_of(tx, base, tenant, _OF_PASSAGES, chunks=list(dict.fromkeys(chunk_ids)))
            still = await fetch(tx, queries.DECIDED, name=self._name, tenant=tenant)
        if _base(still).generation != base.generation:
            raise ReadModelReplacedError()
        return found

    @retry_replaced
    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """The passages that these names are of, the surest first."""
        base = await self._base(tenant)
        wanted = list(dict.fromkeys(key for key in keys if key))
        lookups = [f"{base.generation}/{tenant}/{key}" for key in wanted]
        rows = await self._rows(queries.NAMED, base, tenant, lookups=lookups, most=most)
        names = base.decided.called(set(wanted))
        own = sorted(names.keys() | base.decided.members(names.keys()).keys())
        others = await self._rows(queries.ABOUT, base, tenant, ids=own, most=most) if names else []
        return base.decided.named(map(tuple, rows), map(tuple, others), names, most)

    @retry_replaced
    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """The passages that mention the entities of these names."""
        base = await self._base(tenant)
        decided, wanted = base.decided, {key for key in keys if key}
        lookups = [f"{base.generation}/{tenant}/{key}" for key in wanted]
        accented = await self._rows(queries.ACCENTED, base, tenant, lookups=lookups)
        own = {*(entity_id(tenant, key) for key in keys), *accented, *decided.called(wanted)}
        named = {decided.of(one) for one in own} - decided.rejected
        members = sorted(named | decided.members(named).keys())
        rows = await self._rows(queries.MENTIONED, base, tenant, ids=members, most=most)
        return decided.mentioned(map(tuple, rows), wanted, most)

    @retry_replaced
    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """How many passages speak of each of these entities that several speak of."""
        base = await self._base(tenant)
        rows = await self._rows(queries.SPREAD, base, tenant, ids=list(dict.fromkeys(entity_ids)))
        spread = dict(rows) | await self._together(base, tenant, entity_ids, None)
        return {one: passages for one, passages in spread.items() if passages > 1}

    @retry_replaced
    async def entities(
        self, tenant: str, entity_ids: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """By id, in the order of the ids. One that somebody called no entity is left out."""
        base = await self._base(tenant, collections)
        ids = sorted({base.decided.of(one) for one in entity_ids})
        if collections is None:
            found = [Entity(*row) for row in await self._rows(queries.ENTITIES, base, tenant, ids=ids)]
        else:
            kept = sorted(collections)
            rows = await self._rows(queries.VISIBLE_ENTITIES, base, tenant, ids=ids, collections=kept)
            found = [_entity(*row) for row in rows]
        together = await self._together(base, tenant, ids, collections)
        return [one._replace(passages=together.get(one.entity_id, one.passages)) for one in found]

    @retry_replaced
    async def entities_in(
        self, tenant: str, document_id: str, *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities that a document's passages name, are about, or state something of; by id."""
        base = await self._base(tenant)
        kept = None if collections is None else sorted(collections)
        ids = await self._rows(queries.IN_DOCUMENT, base, tenant, document_id=document_id, collections=kept)
        return await self.entities(tenant, ids, collections=collections)

    async def _called(self, tenant: str, keys: Sequence[str]) -> set[str]:
        return set((await self._base(tenant)).decided.called(set(keys)))

    async def _resolved(self, tenant: str, nodes: Sequence[Node], collections: frozenset[str] | None) -> list[Node]:
        base = await self._base(tenant, collections)
        return [base.decided.resolved(node) for node in nodes]

    @retry_replaced
    async def _edges_at(
        self, tenant: str, nodes: Sequence[Node], limit: int, collections: frozenset[str] | None
    ) -> list[Edge]:
        base = await self._base(tenant, collections)
        resolved = [base.decided.resolved(node) for node in nodes]
        entities = {node.id for node in resolved if node.kind == "entity"}
        # Edges of what was merged into an entity are its own.
        entities |= base.decided.members(entities).keys()
        passages = [node.id for node in resolved if node.kind == "passage"]
        query, kept = (
            (queries.EDGES, {})
            if collections is None
            else (queries.VISIBLE_EDGES, {"collections": sorted(collections)})
        )
        rows = await self._rows(query, base, tenant, entities=sorted(entities), passages=passages, limit=limit, **kept)
        return base.decided.edges((Node(row[0], row[1]), row[2], Node(row[3], row[4])) for row in rows)

    async def _together(
        self, base: _Base, tenant: str, entity_ids: Iterable[str], collections: frozenset[str] | None
    ) -> dict[str, int]:
        """In how many passages those of these that others were merged into are spoken of, with the others."""
        members = base.decided.members(set(entity_ids))
        if not members:
            return {}
        pairs = sorted({*members.items(), *((into, into) for into in members.values())})
        given = [list(pair) for pair in pairs]
        if collections is None:
            return dict(await self._rows(queries.TOGETHER, base, tenant, pairs=given))
        kept = sorted(collections)
        return dict(await self._rows(queries.VISIBLE_TOGETHER, base, tenant, pairs=given, collections=kept))

    async def _base(self, tenant: str, collections: frozenset[str] | None = None) -> _Base:
        """With the merges of those alone that documents of these collections name both."""
        records = await alone(self._driver, queries.DECIDED, name=self._name, tenant=tenant)
        base = _base(records)
        rows = records[0]["decided"]
        if collections is None or not rows:
            return base
        known = sorted({one for row in rows for one in row[:2] if one is not None})
        there = set(await self._rows(queries.SPOKEN_OF, base, tenant, ids=known, collections=sorted(collections)))
        return base._replace(decided=Decided.of_rows(map(tuple, rows), there))

    async def _rows(self, query: str, base: _Base, tenant: str, **parameters: Any) -> list[Any]:
        """Raises ReadModelReplacedError where another generation is live: this one may be deleted in part."""
        found = await alone(
            self._driver, query, name=self._name, generation=base.generation, tenant=tenant, **parameters
        )
        if not found or not found[0]["still"]:
            raise ReadModelReplacedError()
        return list(found[0]["found"])


def _entity(
    entity: str, name: str | None, kind: str | None, said: Sequence[tuple[str, str, int]], passages: int
) -> Entity:
    """What a person decided (`name`, `kind`) comes before what documents say."""
    names = EntityNames(Counter({(own, of): times for own, of, times in said}), passages)
    return Entity(entity, name or names.name or entity, kind or names.type, passages)


async def _snapshot(tx: AsyncTransaction, name: str, generation: str, tenant: str) -> GraphSnapshot:
    base = _base(await fetch(tx, queries.DECIDED, name=name, tenant=tenant))
    return await _rows_of(tx, base._replace(generation=generation), tenant, _OF_ALL)


async def _rows_of(
    tx: AsyncTransaction, base: _Base, tenant: str, of: tuple[str, str, str], **parameters: Any
) -> GraphSnapshot:
    subjects, mentions, statements = [
        await fetch(tx, query, generation=base.generation, tenant=tenant, **parameters) for query in of
    ]
    return base.decided.snapshot(map(tuple, subjects), map(tuple, mentions), map(tuple, statements))


def _base(records: Sequence[Record]) -> _Base:
    if not records:
        raise StoreUnavailableError("Neo4j holds no graph read model yet")
    return _Base(records[0]["generation"], Decided.of_rows(map(tuple, records[0]["decided"])))
