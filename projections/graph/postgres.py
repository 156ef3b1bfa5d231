"""The graph in PostgreSQL: reads."""

from collections.abc import Callable, Iterable, Sequence

from contracts.ids import entity_id
from eventstore.pool import Connection, PostgresPool, acquire
from projections.graph.model import LAYOUT
from projections.graph.reads import Edge, Entity, GraphSnapshot, Mention, Node, Statement, Subject
from projections.graph.visible import ENTITIES, SPOKEN_OF, visible
from projections.graph.walking import WalkingReader
from projections.postgres.consistent_read import consistent_read, retry_replaced
from projections.postgres.store import PostgresStore

_SEPARATOR = "\x1f"
"""Between keys, and between entities' ids, which hold none: names are split at it."""
# Thousands of keys are sent as one text: a client writes an array's elements one by one.
_GIVEN = "string_to_array($2::text, chr(31))"

# Follows merges to their end; a chain that bites its tail ends after as many steps as any sane chain has.
_MERGED = f"""
WITH RECURSIVE merged(entity_id, into_id, depth) AS (
    SELECT entity_id, merged_into, 1 FROM graph.decisions
    WHERE tenant = $1 AND entity_id = ANY({_GIVEN}) AND merged_into IS NOT NULL
    UNION ALL
    SELECT m.entity_id, d.merged_into, m.depth + 1 FROM merged AS m
    JOIN graph.decisions AS d ON d.tenant = $1 AND d.entity_id = m.into_id
    WHERE d.merged_into IS NOT NULL AND m.depth < 16
)
SELECT DISTINCT ON (entity_id) entity_id, into_id FROM merged ORDER BY entity_id, depth DESC
"""
_MEMBERS = f"""
WITH RECURSIVE merged(entity_id, into_id, depth) AS (
    SELECT entity_id, merged_into, 1 FROM graph.decisions WHERE tenant = $1 AND merged_into = ANY({_GIVEN})
    UNION ALL
    SELECT d.entity_id, m.into_id, m.depth + 1 FROM merged AS m
    JOIN graph.decisions AS d ON d.tenant = $1 AND d.merged_into = m.entity_id
    WHERE m.depth < 16
)
SELECT DISTINCT ON (entity_id) entity_id, into_id FROM merged ORDER BY entity_id, depth
"""


def _edges(seen: Callable[[str], str]) -> str:
    """`seen`: the condition on rows of the table of this alias."""
    return f"""
SELECT 'entity' AS source_kind, subject_id AS source, predicate AS label, 'entity' AS target_kind, object_id AS target
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
    WHERE tenant = $1 AND key = k.key AND key <> '' ORDER BY quality DESC, chunk_id LIMIT $3
) AS s
"""

_MENTIONED = f"""
SELECT m.entity_id, m.name, m.chunk_id, m.times FROM unnest({_GIVEN}) AS k(id) CROSS JOIN LATERAL (
    SELECT entity_id, name, chunk_id, times FROM graph.mentions
    WHERE tenant = $1 AND entity_id = k.id ORDER BY chunk_id LIMIT $3
) AS m
"""

_SUBJECTS = "SELECT entity_id, name, chunk_id, quality FROM graph.subjects WHERE tenant = $1"
_MENTIONS = "SELECT entity_id, name, chunk_id, times FROM graph.mentions WHERE tenant = $1"
_STATEMENTS = (
    "SELECT relation_id, subject_id, subject, predicate, object_id, object, chunk_id, start_at, end_at, confidence "
    "FROM graph.relations WHERE tenant = $1"
)
_OF_PASSAGES = " AND chunk_id = ANY($2)"


class PostgresGraph(WalkingReader):
    """Implements `projections.graph.reads.GraphReader` over the live generation."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._store = PostgresStore(pool, LAYOUT)

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's graph changes."""
        return await self._store.content_tag(tenant)

    async def visible_tag(self, tenant: str) -> str:
        """The content tag: what a transaction wrote is seen at once."""
        return await self.content_tag(tenant)

    @retry_replaced
    async def snapshot(self, tenant: str) -> GraphSnapshot:
        """All of it, as of one moment."""
        async with consistent_read(self._pool, LAYOUT.name) as connection:
            return await _snapshot(connection, tenant, None)

    @retry_replaced
    async def around(self, tenant: str, chunk_ids: Sequence[str]) -> GraphSnapshot:
        """What these passages say, as of one moment."""
        async with consistent_read(self._pool, LAYOUT.name) as connection:
            return await _snapshot(connection, tenant, list(chunk_ids))

    async def named(self, tenant: str, keys: Sequence[str], most: int) -> list[Subject]:
        """The passages that these names are of, the surest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_NAMED, tenant, _SEPARATOR.join(dict.fromkeys(keys)), most)
            merged = await _became(connection, tenant, {row["entity_id"] for row in rows})
        return [Subject(merged.get(row[0], row[0]), *row[1:]) for row in map(tuple, rows)]

    async def mentioned(self, tenant: str, keys: Sequence[str], most: int) -> list[Mention]:
        """The passages that mention the entities of these names."""
        async with acquire(self._pool) as connection:
            accented = await connection.fetch(
                "SELECT DISTINCT entity_id FROM graph.mentions "
                f"WHERE tenant = $1 AND key = ANY({_GIVEN}) AND key <> ''",
                tenant,
                _SEPARATOR.join(keys),
            )
            own = {entity_id(tenant, key) for key in keys} | {row["entity_id"] for row in accented}
            merged = await _became(connection, tenant, own)
            named = {merged.get(one, one) for one in own}
            members = await _members(connection, tenant, named)
            rows = await connection.fetch(_MENTIONED, tenant, _SEPARATOR.join(sorted(named | members.keys())), most)
        found: dict[str, list[Mention]] = {}
        for row in map(tuple, rows):
            of = members.get(row[0], row[0])
            found.setdefault(of, []).append(Mention(of, *row[1:]))
        return [one for of in found.values() for one in sorted(of, key=lambda one: one.chunk_id)[:most]]

    async def spread(self, tenant: str, entity_ids: Sequence[str]) -> dict[str, int]:
        """How many passages speak of each of these entities."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT entity_id, passages FROM graph.entities "
                f"WHERE tenant = $1 AND entity_id = ANY({_GIVEN}) AND passages > 0",
                tenant,
                _SEPARATOR.join(entity_ids),
            )
        return {row["entity_id"]: row["passages"] for row in rows}

    async def entities(
        self, tenant: str, entity_ids: Sequence[str], *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """Those of these ids that are there, by id. One that somebody called no entity is left out."""
        async with acquire(self._pool) as connection:
            merged = await _became(connection, tenant, entity_ids, collections)
            wanted = sorted({merged.get(one, one) for one in entity_ids})
            if collections is not None:
                rows = await connection.fetch(ENTITIES, tenant, wanted, sorted(collections))
            else:
                rows = await connection.fetch(
                    "SELECT entity_id, name, type, passages FROM graph.entities "
                    "WHERE tenant = $1 AND entity_id = ANY($2) AND valid IS NOT false ORDER BY entity_id",
                    tenant,
                    wanted,
                )
        return [Entity(*row) for row in map(tuple, rows)]

    async def entities_in(
        self, tenant: str, document_id: str, *, collections: frozenset[str] | None = None
    ) -> list[Entity]:
        """The entities that a document's passages name, are about, or state something of; by id."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT entity_id FROM graph.mentions WHERE {_OF_DOCUMENT} "
                f"UNION SELECT entity_id FROM graph.subjects WHERE {_OF_DOCUMENT} "
                f"UNION SELECT unnest(ARRAY[subject_id, object_id]) FROM graph.relations WHERE {_OF_DOCUMENT}",
                tenant,
                document_id,
                None if collections is None else sorted(collections),
            )
        return await self.entities(tenant, [row["entity_id"] for row in rows], collections=collections)

    async def _resolved(self, tenant: str, nodes: Sequence[Node], collections: frozenset[str] | None) -> list[Node]:
        own_ids = [node.id for node in nodes if node.kind == "entity"]
        async with acquire(self._pool) as connection:
            merged = await _became(connection, tenant, own_ids, collections)
        return [Node(kind, merged.get(own, own) if kind == "entity" else own) for kind, own in nodes]

    async def _edges_at(
        self, tenant: str, nodes: Sequence[Node], limit: int, collections: frozenset[str] | None
    ) -> list[Edge]:
        async with acquire(self._pool) as connection:
            given = [node.id for node in nodes if node.kind == "entity"]
            merged = await _became(connection, tenant, given, collections)
            entities = {merged.get(one, one) for one in given}
            # Edges of what was merged into an entity are its own.
            entities |= (await _members(connection, tenant, entities, collections)).keys()
            rows = await connection.fetch(
                _EDGES if collections is None else _VISIBLE_EDGES,
                tenant,
                sorted(entities),
                [node.id for node in nodes if node.kind == "passage"],
                limit,
                *(() if collections is None else (sorted(collections),)),
            )
            ends = {id_ for row in rows for kind, id_ in ((row[0], row[1]), (row[3], row[4])) if kind == "entity"}
            merged = await _became(connection, tenant, ends, collections)
        edges = (
            Edge(Node(kind, merged.get(source, source)), label, Node(other_kind, merged.get(target, target)))
            for kind, source, label, other_kind, target in map(tuple, rows)
        )
        return list(dict.fromkeys(edges))


async def _snapshot(connection: Connection, tenant: str, chunk_ids: Sequence[str] | None) -> GraphSnapshot:
    """What these passages say, or all."""
    limit, of = ("", ()) if chunk_ids is None else (_OF_PASSAGES, (chunk_ids,))
    subjects, mentions, statements = [
        [tuple(row) for row in await connection.fetch(query + limit, tenant, *of)]
        for query in (_SUBJECTS, _MENTIONS, _STATEMENTS)
    ]
    ids = {row[0] for row in (*subjects, *mentions)} | {row[index] for row in statements for index in (1, 4)}
    merged = await _became(connection, tenant, ids)
    return GraphSnapshot(
        subjects=[Subject(merged.get(row[0], row[0]), *row[1:]) for row in subjects],
        mentions=[Mention(merged.get(row[0], row[0]), *row[1:]) for row in mentions],
        statements=[
            Statement(row[0], merged.get(row[1], row[1]), row[2], row[3], merged.get(row[4], row[4]), *row[5:])
            for row in statements
        ],
    )


async def _became(
    connection: Connection, tenant: str, entity_ids: Iterable[str], collections: frozenset[str] | None = None
) -> dict[str, str]:
    """For each of these that was merged the entity that it became."""
    rows = await connection.fetch(_MERGED, tenant, _SEPARATOR.join(entity_ids))
    merged = {row["entity_id"]: row["into_id"] for row in rows}
    return await _told(connection, tenant, merged, collections)


async def _members(
    connection: Connection, tenant: str, entity_ids: Iterable[str], collections: frozenset[str] | None = None
) -> dict[str, str]:
    """Every entity that was merged into one of these, with that one."""
    wanted = set(entity_ids)
    rows = await connection.fetch(_MEMBERS, tenant, _SEPARATOR.join(sorted(wanted)))
    members = {row["entity_id"]: row["into_id"] for row in rows if row["entity_id"] not in wanted}
    return await _told(connection, tenant, members, collections)


async def _told(
    connection: Connection, tenant: str, merged: dict[str, str], collections: frozenset[str] | None
) -> dict[str, str]:
    """Merges of those alone that documents of these collections name both."""
    if collections is None or not merged:
        return merged
    ends = sorted({*merged, *merged.values()})
    there = {row["entity_id"] for row in await connection.fetch(SPOKEN_OF, tenant, ends, sorted(collections))}
    return {old: into for old, into in merged.items() if old in there and into in there}
