"""What is least sure of what was found, and nobody judged yet, in the relational read model."""

from collections.abc import Sequence
from dataclasses import dataclass

from eventstore.pool import PostgresPool, acquire
from projections.relational import visible

_SEEN = f"($2::text[] IS NULL OR {visible.of_collections('m', '$2')})"
# An entity is as sure as its surest mention is; that one is shown.
_ENTITIES = """
SELECT e.entity_id AS id, coalesce(e.name, e.entity_id) AS name, e.type, f.confidence, f.document_id, f.chunk_id
FROM (
    SELECT DISTINCT ON (m.entity_id) m.entity_id, m.confidence, m.document_id, m.chunk_id
    FROM relational.mentions AS m WHERE m.tenant = $1
    ORDER BY m.entity_id, m.confidence DESC, m.document_id, m.start_at
) AS f JOIN relational.entities AS e ON e.tenant = $1 AND e.entity_id = f.entity_id
WHERE e.merged_into IS NULL AND e.valid IS NULL ORDER BY f.confidence, e.entity_id LIMIT $2
"""
# Named as these documents name them: the name in the table may be one that only the others use.
_SEEN_ENTITIES = f"""
{visible.ENTITIES}
SELECT e.entity_id AS id, e.name, e.type, f.confidence, f.document_id, f.chunk_id
FROM (
    SELECT DISTINCT ON (m.entity_id) m.entity_id, m.confidence, m.document_id, m.chunk_id
    FROM relational.mentions AS m WHERE m.tenant = $1 AND m.document_id IN (SELECT document_id FROM seen)
    ORDER BY m.entity_id, m.confidence DESC, m.document_id, m.start_at
) AS f JOIN entities AS e ON e.entity_id = f.entity_id
WHERE e.merged_into IS NULL AND e.valid IS NULL ORDER BY f.confidence, e.entity_id LIMIT $3
"""
_RELATIONS = f"""
SELECT m.relation_id AS id, m.subject, m.predicate, m.object, m.confidence, m.document_id, m.chunk_id
FROM relational.relations AS m WHERE m.tenant = $1 AND m.valid IS NULL AND {_SEEN}
ORDER BY m.confidence, m.relation_id, m.document_id LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class UnsureEntity:
    """An entity whose surest mention has this confidence, in this chunk of this document."""

    id: str
    name: str
    type: str | None
    confidence: float
    document_id: str
    chunk_id: str


@dataclass(frozen=True, slots=True)
class UnsureRelation:
    """A relation of this confidence, stated in this chunk of this document."""

    id: str
    subject: str
    predicate: str
    object: str
    confidence: float
    document_id: str
    chunk_id: str


class ReviewReader:
    """The least sure first. Every method raises StoreUnavailableError when the database is away.

    `collections`: only what documents of these collections say, "" for those of none; None for all.
    """

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def entities(self, tenant: str, limit: int, collections: frozenset[str] | None) -> Sequence[UnsureEntity]:
        """Entities that nobody judged, and that were not merged into another."""
        async with acquire(self._pool) as connection:
            if collections is None:
                rows = await connection.fetch(_ENTITIES, tenant, limit)
            else:
                rows = await connection.fetch(_SEEN_ENTITIES, tenant, sorted(collections), limit)
        return [UnsureEntity(*row) for row in map(tuple, rows)]

    async def relations(self, tenant: str, limit: int, collections: frozenset[str] | None) -> Sequence[UnsureRelation]:
        """Relations that nobody judged."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_RELATIONS, tenant, _listed(collections), limit)
        return [UnsureRelation(*row) for row in map(tuple, rows)]


def _listed(collections: frozenset[str] | None) -> list[str] | None:
    return None if collections is None else sorted(collections)
