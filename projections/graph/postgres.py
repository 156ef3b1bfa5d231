"""The graph in PostgreSQL: reads."""

from collections.abc import Callable, Iterable, Sequence

import asyncpg

from contracts.ids import entity_id
from eventstore.pool import Connection, PostgresPool
from projections.graph.decided import Decided
from projections.graph.model import LAYOUT
from projections.graph.reads import Edge, Entity, GraphSnapshot, Mention, Node, Subject
from projections.graph.visible import ENTITIES, SPOKEN_OF, TOGETHER, VISIBLE_TOGETHER, visible
from projections.graph.walking import WalkingReader
from projections.postgres.consistent_read import retry_replaced
from projections.postgres.generation_reads import GenerationReads
from projections.postgres.store import PostgresStore

NAMED_AT_ONCE = 2_000
"""Passages of all names together that are read in one walk, and no more than these are."""

_SEPARATOR = "\x1f"
"""Between keys, and between entities' ids, which hold none: names are split at it."""
# Thousands of keys are sent as one text: a client writes an array's elements one by one.
_GIVEN = "string_to_array($2::text, chr(31))"

# Every decision on these entities, on what they were merged into, and on what was merged into any of those. What was
# found once is not followed again, so the cost grows with the number of decisions, and a circle ends.
_DECIDED = f"""
WITH RECURSIVE up(entity_id, into_id) AS (
    SELECT entity_id, merged_into FROM graph.decisions
    WHERE tenant = $1 AND entity_id = ANY({_GIVEN}) AND merged_into IS NOT NULL
    UNION
    SELECT d.entity_id, d.merged_into FROM up JOIN graph.decisions AS d ON d.tenant = $1 AND d.entity_id = up.into_id
    WHERE d.merged_into IS NOT NULL
),
around(id) AS (
    SELECT unnest({_GIVEN}) WHERE EXISTS (SELECT FROM graph.decisions WHERE tenant = $1)
    UNION SELECT into_id FROM up
    UNION SELECT d.entity_id FROM around AS a JOIN graph.decisions AS d ON d.tenant = $1 AND d.merged_into = a.id
)
SELECT d.entity_id, d.merged_into, d.names, d.valid
FROM around AS a JOIN graph.decisions AS d ON d.tenant = $1 AND d.entity_id = a.id
"""
_CALLED = f"SELECT entity_id FROM graph.decisions WHERE tenant = $1 AND keys && {_GIVEN}"


_LABEL = "CASE WHEN modality IS NULL THEN predicate ELSE predicate || ' (' || modality || ')' END"


def _edges(seen: Callable[[str], str]) -> str:
    """`seen`: the condition on rows of the table of this alias."""
    return f"""
SELECT 'entity' AS source_kind, subject_id AS source, {_LABEL} AS label, 'entity' AS target_kind, object_id AS target
FROM graph.relations AS r WHERE tenant = $1 AND (subject_id = ANY($2) OR object_id = ANY($2)) AND {seen("r")}
UNION
SELECT 'passage', chunk_id, 'mentions', 'entity', entity_id
FROM graph.mentions AS r WHERE tenant = $1 AND (entity_id = ANY($2) OR chunk_id = ANY($3)) AND {seen("r")}
UNION
SELECT 'passage', chunk_id, 'about', 'entity', entity_id
FROM graph.subjects AS r WHERE tenant = $1 AND (entity_id = ANY($2) OR chunk_id = ANY($3)) AND {seen("r")}
UNION
SELECT 'passage', a.chunk_id, 'next', 'passage', b.chunk_id
FROM graph.passages AS a JOIN graph.passages AS b
ON b.tenant = a.tenant AND b.document_id = a.document_id AND b.index = a.index + 1
WHERE a.tenant = $1 AND (a.chunk_id = ANY($3) OR b.chunk_id = ANY($3)) AND {seen("a")}
ORDER BY 1, 2, 3, 4, 5 LIMIT $4
"""


_EDGES = _edges(lambda _: "true")
_VISIBLE_EDGES = _edges(lambda row: visible(row, "$5"))

_OF_DOCUMENT = (
    "tenant = $1 AND document_id = $2 AND ($3::text[] IS NULL OR EXISTS (SELECT FROM graph.documents AS v "
    "WHERE v.tenant = $1 AND v.document_id = $2 AND v.collection = ANY($3)))"
)

_NAMED = f"""
SELECT s.entity_id, s.name, s.chunk_id, s.quality FROM unnest({_GIVEN}) AS k(key) CROSS JOIN LATERAL (
    SELECT entity_id, name, chunk_id, quality FROM graph.subjects
    WHERE tenant = $1 AND key = k.key AND key <> '' ORDER BY quality DESC, chunk_id, entity_id, name LIMIT $3
) AS s
"""

_MENTIONS_OF = """CROSS JOIN LATERAL (
    SELECT entity_id, name, chunk_id, times FROM graph.mentions
    WHERE tenant = $1 AND entity_id = k.id ORDER BY chunk_id, name LIMIT $3
) AS m"""
_MENTIONED = f"SELECT m.entity_id, m.name, m.chunk_id, m.times FROM unnest({_GIVEN}) AS k(id) {_MENTIONS_OF}"
_ACCENTED = f"SELECT DISTINCT entity_id FROM graph.mentions WHERE tenant = $1 AND key = ANY({_GIVEN}) AND key <> ''"
# The index of entities that several passages speak of has a seventh of them, and answers by itself.
_SPREAD = (
    f"SELECT entity_id, passages FROM graph.entities WHERE tenant = $1 AND entity_id = ANY({_GIVEN}) AND passages > 1"
)

_ABOUT = f"""
SELECT s.entity_id, s.name, s.chunk_id, s.quality FROM unnest({_GIVEN}) AS k(id) CROSS JOIN LATERAL (
    SELECT entity_id, name, chunk_id, quality FROM graph.subjects
    WHERE tenant = $1 AND entity_id = k.id ORDER BY quality DESC, chunk_id, name LIMIT $3
) AS s
"""

_SUBJECTS = "SELECT entity_id, name, chunk_id, quality FROM graph.subjects WHERE tenant = $1"
_MENTIONS = "SELECT entity_id, name, chunk_id, times FROM graph.mentions WHERE tenant = $1"
_STATEMENTS = (
    "SELECT relation_id, subject_id, subject, predicate, object_id, object, chunk_id, start_at, end_at, confidence, "
    'modality, "time", valid_from, valid_until '
    "FROM graph.relations WHERE tenant = $1"
)
_OF_PASSAGES = " AND chunk_id = ANY($2)"

# Of most tenants nobody decided anything. What a question reads is then read in one statement, which else gives one
# row without an entity alone.
_DECISIONS = "EXISTS (SELECT FROM graph.decisions WHERE tenant = $1)"
# Of thousands of names that a text may hold hardly any are there: one walk over the index with all of them, best in its
# order, takes a quarter of what a look-up of each does. Where they are of more passages than $4, each is looked up.
_UNDECIDED_NAMED = f"""
WITH few AS MATERIALIZED (
    SELECT key, entity_id, name, chunk_id, quality FROM graph.subjects
    WHERE tenant = $1 AND key = ANY((SELECT {_GIVEN})::text[]) AND key <> '' AND NOT {_DECISIONS} LIMIT $4 + 1
)
SELECT entity_id, name, chunk_id, quality FROM (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY quality DESC, chunk_id, entity_id, name) AS place FROM few
) AS s WHERE place <= $3 AND (SELECT count(*) FROM few) <= $4
UNION ALL {_NAMED} WHERE (SELECT count(*) FROM few) > $4
UNION ALL SELECT NULL, NULL, NULL, NULL WHERE {_DECISIONS}
"""
_UNDECIDED_MENTIONED = f"""
SELECT m.entity_id, m.name, m.chunk_id, m.times FROM (
    SELECT id FROM (SELECT unnest(string_to_array($4::text, chr(31))) AS id UNION {_ACCENTED}) AS u ORDER BY id
) AS k {_MENTIONS_OF} WHERE NOT {_DECISIONS}
UNION ALL SELECT NULL, NULL, NULL, NULL WHERE {_DECISIONS}
"""
_UNDECIDED_SPREAD = f"{_SPREAD} AND NOT {_DECISIONS} UNION ALL SELECT NULL, NULL WHERE {_DECISIONS}"
_SUBJECT, _MENTION, _STATEMENT = 0, 1, 2
_THESE = f"tenant = $1 AND chunk_id = ANY({_GIVEN}) AND NOT {_DECISIONS}"
_UNDECIDED_AROUND = f"""
SELECT {_SUBJECT} AS what, entity_id, name, chunk_id, quality AS weight, 0 AS first, 0 AS last, NULL AS relation_id,
    NULL AS predicate, NULL AS object_id, NULL AS object, NULL AS modality, NULL AS "time", NULL AS since, NULL AS until
FROM graph.subjects WHERE {_THESE}
UNION ALL
SELECT {_MENTION}, entity_id, name, chunk_id, 0, times, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM graph.mentions WHERE {_THESE}
UNION ALL
SELECT {_STATEMENT}, subject_id, subject, chunk_id, confidence, start_at, end_at, relation_id,
    predicate, object_id, object, modality, "time", valid_from, valid_until
FROM graph.relations WHERE {_THESE}
UNION ALL
SELECT NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE {_DECISIONS}
"""


class PostgresGraph(WalkingReader):
    """Implements `projections.graph.reads.GraphReader` over the live generation, or another one's schema."""

    def __init__(self, pool: PostgresPool, schema: str | None = None) -> None:
        self._reads = GenerationReads(pool, LAYOUT.name, schema)
        self._store = PostgresStore(pool, LAYOUT, schema)

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's graph changes."""
        return await self._store.content_tag(tenant)

    async def visible_tag(self, tenant: str) -> str:
        """The content tag: what a transaction wrote is seen at once."""
        return await self.content_tag(tenant)

    @retry_replaced
    async def snapshot(self, tenant: str) -> GraphSnapshot:
        """All of it, as of one moment."""
        async with self._reads.consistent() as connection:
            return await _snapshot(connection, tenant, None)

    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say, as of one moment."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(_UNDECIDED_AROUND, tenant, _SEPARATOR.join(chunk_ids))
        if _is_decided(rows):
            return await self._decided_around(tenant, chunk_ids)
        return Decided().snapshot(
            [(row[1], row[2], row[3], row[4]) for row in rows if row[0] == _SUBJECT],
            [(row[1], row[2], row[3], row[5]) for row in rows if row[0] == _MENTION],
            [
                (row[7], row[1], row[2], row[8], row[9], row[10], row[3], row[5], row[6], row[4], *row[11:])
                for row in rows
                if row[0] == _STATEMENT
            ],
        )

    @retry_replaced
    async def _decided_around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        async with self._reads.consistent() as connection:
            return await _snapshot(connection, tenant, list(chunk_ids))

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """The passages that these names are of, the surest first."""
        wanted = sorted(set(keys))
        async with self._reads.connection() as connection:
            found = await connection.fetch(_UNDECIDED_NAMED, tenant, _SEPARATOR.join(wanted), most, NAMED_AT_ONCE)
            if not _is_decided(found):
                return list(dict.fromkeys(map(Subject._make, found)))
            rows = [tuple(row) for row in await connection.fetch(_NAMED, tenant, _SEPARATOR.join(wanted), most)]
            called = await _called(connection, tenant, wanted)
            decided = await _decided(connection, tenant, {row[0] for row in rows} | called)
            names = decided.called(set(wanted))
            own = _SEPARATOR.join(sorted(names.keys() | decided.members(names.keys()).keys()))
            others = [tuple(row) for row in await connection.fetch(_ABOUT, tenant, own, most)] if names else []
        return decided.named(rows, others, names, most)

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """The passages that mention the entities of these names."""
        given, own = _SEPARATOR.join(keys), {entity_id(tenant, key) for key in keys}
        async with self._reads.connection() as connection:
            found = await connection.fetch(_UNDECIDED_MENTIONED, tenant, given, most, _SEPARATOR.join(own))
            if not _is_decided(found):
                return list(dict.fromkeys(map(Mention._make, found)))
            own |= {row["entity_id"] for row in await connection.fetch(_ACCENTED, tenant, given)}
            own |= await _called(connection, tenant, keys)
            decided = await _decided(connection, tenant, own)
            named = {decided.of(one) for one in own} - decided.rejected
            members = named | decided.members(named).keys()
            rows = await connection.fetch(_MENTIONED, tenant, _SEPARATOR.join(sorted(members)), most)
        return decided.mentioned(map(tuple, rows), set(keys), most)

    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """How many passages speak of each of these entities that several speak of."""
        async with self._reads.connection() as connection:
            given = _SEPARATOR.join(entity_ids)
            rows = await connection.fetch(_UNDECIDED_SPREAD, tenant, given)
            if not _is_decided(rows):
                return dict(map(tuple, rows))
            rows = await connection.fetch(_SPREAD, tenant, given)
            decided = await _decided(connection, tenant, entity_ids)
            together = await _together(connection, tenant, decided, entity_ids, None)
        several = {one: passages for one, passages in together.items() if passages > 1}
        return {row["entity_id"]: row["passages"] for row in rows} | several

    async def entities(
        self, tenant: str, entity_ids: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """Those of these ids that are there, by id. One that somebody called no entity is left out."""
        async with self._reads.connection() as connection:
            decided = await _decided(connection, tenant, entity_ids, collections)
            wanted = sorted({decided.of(one) for one in entity_ids})
            if collections is not None:
                rows = await connection.fetch(ENTITIES, tenant, wanted, sorted(collections))
            else:
                rows = await connection.fetch(
                    "SELECT entity_id, name, type, passages FROM graph.entities "
                    "WHERE tenant = $1 AND entity_id = ANY($2) AND valid IS NOT false ORDER BY entity_id",
                    tenant,
                    wanted,
                )
            together = await _together(connection, tenant, decided, wanted, collections)
        found = (Entity(*row) for row in map(tuple, rows))
        return [one._replace(passages=together.get(one.entity_id, one.passages)) for one in found]

    async def entities_in(
        self, tenant: str, document_id: str, *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities that a document's passages name, are about, or state something of; by id."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                f"SELECT entity_id FROM graph.mentions WHERE {_OF_DOCUMENT} "
                f"UNION SELECT entity_id FROM graph.subjects WHERE {_OF_DOCUMENT} "
                f"UNION SELECT unnest(ARRAY[subject_id, object_id]) FROM graph.relations WHERE {_OF_DOCUMENT}",
                tenant,
                document_id,
                None if collections is None else sorted(collections),
            )
        return await self.entities(tenant, [row["entity_id"] for row in rows], collections=collections)

    async def _called(self, tenant: str, keys: Sequence[str]) -> set[str]:
        async with self._reads.connection() as connection:
            return await _called(connection, tenant, keys)

    async def _resolved(self, tenant: str, nodes: Sequence[Node], collections: frozenset[str] | None) -> list[Node]:
        own_ids = [node.id for node in nodes if node.kind == "entity"]
        async with self._reads.connection() as connection:
            decided = await _decided(connection, tenant, own_ids, collections)
        return [decided.resolved(node) for node in nodes]

    async def _edges_at(
        self, tenant: str, nodes: Sequence[Node], limit: int, collections: frozenset[str] | None
    ) -> list[Edge]:
        async with self._reads.connection() as connection:
            given = [node.id for node in nodes if node.kind == "entity"]
            decided = await _decided(connection, tenant, given, collections)
            entities = {decided.of(one) for one in given}
            # Edges of what was merged into an entity are its own.
            entities |= decided.members(entities).keys()
            rows = await connection.fetch(
                _EDGES if collections is None else _VISIBLE_EDGES,
                tenant,
                sorted(entities),
                [node.id for node in nodes if node.kind == "passage"],
                limit,
                *(() if collections is None else (sorted(collections),)),
            )
            ends = {id_ for row in rows for kind, id_ in ((row[0], row[1]), (row[3], row[4])) if kind == "entity"}
            decided = await _decided(connection, tenant, ends, collections)
        return decided.edges((Node(row[0], row[1]), row[2], Node(row[3], row[4])) for row in rows)


def _is_decided(rows: Sequence[asyncpg.Record]) -> bool:
    """Whether the tenant has decisions, so that there is more to be read than this statement gave."""
    return len(rows) == 1 and rows[0]["entity_id"] is None


async def _snapshot(connection: Connection, tenant: str, chunk_ids: Sequence[str] | None) -> GraphSnapshot:
    """What these passages say, or all."""
    limit, of = ("", ()) if chunk_ids is None else (_OF_PASSAGES, (chunk_ids,))
    subjects, mentions, statements = [
        [tuple(row) for row in await connection.fetch(query + limit, tenant, *of)]
        for query in (_SUBJECTS, _MENTIONS, _STATEMENTS)
    ]
    ids = {row[0] for row in (*subjects, *mentions)} | {row[index] for row in statements for index in (1, 4)}
    decided = await _decided(connection, tenant, ids)
    return decided.snapshot(subjects, mentions, statements)


async def _decided(
    connection: Connection, tenant: str, entity_ids: Iterable[str], collections: frozenset[str] | None = None
) -> Decided:
    """What people decided on these, and on all that is the same as any of them.

    Of merges those alone that documents of these collections name both.
    """
    rows = [tuple(row) for row in await connection.fetch(_DECIDED, tenant, _SEPARATOR.join(entity_ids))]
    if collections is None or not rows:
        return Decided.of_rows(rows)
    known = sorted({one for row in rows for one in row[:2] if one is not None})
    there = {row["entity_id"] for row in await connection.fetch(SPOKEN_OF, tenant, known, sorted(collections))}
    return Decided.of_rows(rows, there)


async def _called(connection: Connection, tenant: str, keys: Sequence[str]) -> set[str]:
    """Entities that people call by one of these names."""
    rows = await connection.fetch(_CALLED, tenant, _SEPARATOR.join(key for key in keys if key))
    return {row["entity_id"] for row in rows}


async def _together(
    connection: Connection,
    tenant: str,
    decided: Decided,
    entity_ids: Iterable[str],
    collections: frozenset[str] | None,
) -> dict[str, int]:
    """In how many passages those of these that others were merged into are spoken of, with the others."""
    members = decided.members(set(entity_ids))
    if not members:
        return {}
    pairs = sorted({*members.items(), *((into, into) for into in members.values())})
    rows = await connection.fetch(
        TOGETHER if collections is None else VISIBLE_TOGETHER,
        tenant,
        [one for one, _ in pairs],
        *(() if collections is None else (sorted(collections),)),
        [into for _, into in pairs],
    )
    return {row["into_id"]: row["passages"] for row in rows}
