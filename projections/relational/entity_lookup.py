"""Entities by what people call them, in the relational read model: for whoever decides on one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.folding import name_key
from contracts.ids import entity_id
from contracts.merges import ends
from eventstore.pool import Connection, PostgresPool, acquire
from projections.relational import visible

MOST_CANDIDATES = 20

_FIELDS = "e.entity_id, e.name, e.type, e.mentions, e.documents, e.valid"
# By id, by the id that follows from the name, by a name that people gave, by the name that it is shown under.
_CALLED = f"""
SELECT {_FIELDS} FROM relational.entities AS e WHERE e.tenant = $1 AND e.entity_id IN (
    SELECT unnest($2::text[])
    UNION SELECT entity_id FROM relational.decisions WHERE tenant = $1 AND keys && $3::text[]
    UNION SELECT entity_id FROM relational.entities WHERE tenant = $1
        AND lower(left(name, 200)) COLLATE "C" = lower(left($4::text, 200)) COLLATE "C"
        AND lower(name) = lower($4::text)
) ORDER BY e.mentions DESC, e.entity_id LIMIT {MOST_CANDIDATES}
"""
_BY_ID = f"SELECT {_FIELDS} FROM relational.entities AS e WHERE e.tenant = $1 AND e.entity_id = ANY($2::text[])"
_NAMING = " UNION ".join(
    f"SELECT {own}, document_id FROM relational.{table} "
    f"WHERE tenant = $1 AND {own} = ANY($2::text[]) AND document_id = ANY($3::text[])"
    for table, own, _, _ in visible.NAMINGS
)

# What was found once is not followed again, so a circle ends.
MERGES = """
WITH RECURSIVE up(entity_id, into_id) AS (
    SELECT entity_id, merged_into FROM relational.decisions
    WHERE tenant = $1 AND entity_id = ANY($2::text[]) AND merged_into IS NOT NULL
    UNION
    SELECT d.entity_id, d.merged_into FROM up
    JOIN relational.decisions AS d ON d.tenant = $1 AND d.entity_id = up.into_id WHERE d.merged_into IS NOT NULL
)
SELECT entity_id, into_id FROM up
"""
"""Of every merge that leads from $2 up: what was merged, and into what."""

MEMBERS = """
WITH RECURSIVE member(entity_id, into_id, root) AS (
    SELECT entity_id, merged_into, merged_into FROM relational.decisions
    WHERE tenant = $1 AND merged_into = ANY($2::text[])
    UNION
    SELECT d.entity_id, d.merged_into, m.root FROM member AS m
    JOIN relational.decisions AS d ON d.tenant = $1 AND d.merged_into = m.entity_id
)
"""
"""`member`: every entity that was merged into one of $2, over however many steps, with that one as its `root`."""

_OWN_ROWS = " UNION ALL ".join(
    f"SELECT o.root, r.document_id, {'true' if table == 'mentions' else 'false'} AS mention "
    f"FROM own AS o JOIN relational.{table} AS r ON r.tenant = $1 AND r.{own} = o.entity_id"
    for table, own, _, _ in visible.NAMINGS
)


@dataclass(frozen=True, slots=True)
class FoundEntity:
    """An entity as the relational read model has it by itself, also where it was merged into another."""

    entity_id: str
    name: str
    type: str | None
    mentions: int
    documents: int
    valid: bool | None


class EntityLookup:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def called(self, tenant: str, given: str) -> list[FoundEntity]:
        """Those with this id or name, in either case; the most mentioned first, at most MOST_CANDIDATES."""
        key = name_key(given)
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                _CALLED, tenant, [given, entity_id(tenant, given)], [key] if key else [], given
            )
        return [FoundEntity(*row) for row in map(tuple, rows)]

    async def by_id(self, tenant: str, ids: Collection[str]) -> dict[str, FoundEntity]:
        """Those of these ids that are there."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_BY_ID, tenant, sorted(ids))
        return {row["entity_id"]: FoundEntity(*tuple(row)) for row in rows}

    async def ends(self, tenant: str, ids: Collection[str]) -> dict[str, str]:
        """For those of these that were merged the entity that they became."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(MERGES, tenant, sorted(ids))
        merged = ends({row["entity_id"]: row["into_id"] for row in rows})
        return {one: merged[one] for one in ids if one in merged}

    async def members(
        self, tenant: str, entity: str, after: tuple[str, ...] | None = None, limit: int | None = None
    ) -> list[FoundEntity]:
        """What was merged into it, over however many steps; by name and id, from behind the pair `after`."""
        name, behind = after or ("", "")
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"{MEMBERS} SELECT {_FIELDS} FROM member AS m "
                "JOIN relational.entities AS e ON e.tenant = $1 AND e.entity_id = m.entity_id "
                'WHERE m.entity_id <> m.root AND (e.name COLLATE "C", e.entity_id COLLATE "C") > ($3, $4) '
                'ORDER BY e.name COLLATE "C", e.entity_id COLLATE "C" LIMIT $5',
                tenant,
                [entity],
                name,
                behind,
                limit,
            )
        return [FoundEntity(*row) for row in map(tuple, rows)]

    async def counted_together(self, tenant: str, entity: str) -> tuple[int, int] | None:
        """Mentions and documents of it and of what was merged into it; None where nothing was."""
        async with acquire(self._pool) as connection:
            return (await counted_together(connection, tenant, [entity], None)).get(entity)

    async def naming(self, tenant: str, entities: Collection[str], documents: Collection[str]) -> set[tuple[str, str]]:
        """Which of these documents says anything of which of these entities, as (entity, document)."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_NAMING, tenant, sorted(entities), sorted(documents))
        return {(row[0], row[1]) for row in rows}


async def as_they_became(
    connection: Connection, tenant: str, entities: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A document's entities, those that were merged as what they became; the most mentioned first, then by name."""
    merged = [one["entity_id"] for one in entities if one.pop("merged")]
    if not merged:
        return list(entities)
    links = await connection.fetch(MERGES, tenant, merged)
    became = ends({row["entity_id"]: row["into_id"] for row in links})
    rows = await connection.fetch(_BY_ID, tenant, sorted(set(became.values())))
    known = {row["entity_id"]: row for row in rows}
    found: dict[str, dict[str, Any]] = {}
    for one in entities:
        entity = known.get(became.get(one["entity_id"], ""), one)
        own = found.setdefault(
            entity["entity_id"],
            {"entity_id": entity["entity_id"], "name": entity["name"], "type": entity["type"], "mentions": 0},
        )
        own["mentions"] += one["mentions"]
    return sorted(found.values(), key=lambda one: (-one["mentions"], one["name"]))


async def counted_together(
    connection: Connection, tenant: str, entities: Sequence[str], collections: frozenset[str] | None
) -> dict[str, tuple[int, int]]:
    """Mentions and documents of those of these that others were merged into, with the others'."""
    rows = await connection.fetch(
        f"{MEMBERS}, own(entity_id, root) AS (SELECT entity_id, root FROM member UNION SELECT root, root FROM member), "
        f"named AS ({_OWN_ROWS}) SELECT root, count(*) FILTER (WHERE mention) AS mentions, "
        "count(DISTINCT document_id) AS documents FROM named "
        "WHERE $3::text[] IS NULL OR document_id IN (SELECT d.document_id FROM relational.documents AS d "
        f"WHERE d.tenant = $1 AND {visible.COLLECTION} = ANY($3)) GROUP BY root",
        tenant,
        list(entities),
        None if collections is None else sorted(collections),
    )
    return {row["root"]: (row["mentions"], row["documents"]) for row in rows}
