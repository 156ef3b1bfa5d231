"""What is least sure of what was found, and nobody judged yet, in the relational read model."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.ontology import NO_ONTOLOGY, VIOLATING, Ontology
from eventstore.pool import PostgresPool, acquire
from projections.relational import visible
from projections.relational.typed import violations

WEIGHED = 1000

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
SELECT m.relation_id AS id, m.subject_id, m.subject, m.predicate, m.object_id, m.object, m.confidence, m.document_id,
    m.chunk_id
FROM relational.relations AS m WHERE m.tenant = $1 AND m.valid IS NULL AND {_SEEN}
AND ($4::text[] IS NULL OR m.predicate = ANY($4))
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
    violates: str | None = None


class ReviewReader:
    """The least sure first. Every method raises StoreUnavailableError when the database is away.

    `collections`: only what documents of these collections say, "" for those of none; None for all.
    """

    def __init__(self, pool: PostgresPool, ontology: Ontology = NO_ONTOLOGY) -> None:
        self._pool = pool
        self._ontology = ontology

    async def entities(self, tenant: str, limit: int, collections: frozenset[str] | None) -> Sequence[UnsureEntity]:
        """Entities that nobody judged, and that were not merged into another."""
        async with acquire(self._pool) as connection:
            if collections is None:
                rows = await connection.fetch(_ENTITIES, tenant, limit)
            else:
                rows = await connection.fetch(_SEEN_ENTITIES, tenant, sorted(collections), limit)
        return [UnsureEntity(*row) for row in map(tuple, rows)]

    async def relations(self, tenant: str, limit: int, collections: frozenset[str] | None) -> Sequence[UnsureRelation]:
        """Relations that nobody judged. One that violates the ontology has VIOLATING of its confidence.

        Those are looked for among the WEIGHED least sure of the predicates that the ontology rules.
        """
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_RELATIONS, tenant, _listed(collections), limit, None)
            if ruled := sorted(self._ontology.predicates):
                rows += await connection.fetch(_RELATIONS, tenant, _listed(collections), max(limit, WEIGHED), ruled)
            ends = [(row["subject_id"], row["predicate"], row["object_id"]) for row in rows]
            wrong = await violations(connection, tenant, self._ontology, ends, collections)
        found = {
            (row["document_id"], row["id"]): UnsureRelation(
                row["id"],
                row["subject"],
                row["predicate"],
                row["object"],
                row["confidence"] * (1.0 if why is None else VIOLATING),
                row["document_id"],
                row["chunk_id"],
                why,
            )
            for row, why in zip(rows, wrong, strict=True)
        }
        return sorted(found.values(), key=lambda one: (one.confidence, one.id, one.document_id))[:limit]


def _listed(collections: frozenset[str] | None) -> list[str] | None:
    return None if collections is None else sorted(collections)
