"""What differs between two generations of the relational read model: they lie in one database, which compares them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eventstore.pool import PostgresPool, acquire

Kind = Literal["documents", "entities", "relations"]

LIMIT_S = 60.0
_OWN = {
    "documents": (
        "SELECT d.document_id AS id, '' AS part, d.title, d.uri, d.attributes, d.digest, d.characters, "
        "s.stage FROM {schema}.documents AS d JOIN {schema}.states AS s USING (tenant, document_id) WHERE d.tenant = $1"
    ),
    "entities": (
        "SELECT e.entity_id AS id, '' AS part, e.name, e.type, e.mentions, e.documents, e.merged_into, "
        "e.valid FROM {schema}.entities AS e WHERE e.tenant = $1"
    ),
    "relations": (
        "SELECT r.document_id AS id, r.relation_id AS part, r.subject, r.predicate, r.object, "
        "r.subject_id, r.object_id, r.confidence, r.valid, r.negated, r.modality, r.time, r.valid_from, r.valid_until "
        "FROM {schema}.relations AS r WHERE r.tenant = $1"
    ),
}
# Both sides are read in the order of their keys; what is the same is passed over.
_DIFFERENT = """
SELECT coalesce(a.id, b.id) AS id, coalesce(a.part, b.part) AS part,
    CASE WHEN a.id IS NOT NULL THEN to_jsonb(a) - '{id,part}'::text[] END AS one,
    CASE WHEN b.id IS NOT NULL THEN to_jsonb(b) - '{id,part}'::text[] END AS other
FROM ({one}) AS a FULL JOIN ({other}) AS b ON a.id = b.id AND a.part = b.part
WHERE a IS DISTINCT FROM b
    AND (coalesce(a.id, b.id) COLLATE "C", coalesce(a.part, b.part) COLLATE "C") > ($2 COLLATE "C", $3 COLLATE "C")
ORDER BY coalesce(a.id, b.id) COLLATE "C", coalesce(a.part, b.part) COLLATE "C" LIMIT $4
"""
_NAMING = """
SELECT DISTINCT document_id FROM (
    SELECT entity_id, document_id FROM {one}.mentions WHERE tenant = $1 AND entity_id = $2
    UNION ALL SELECT entity_id, document_id FROM {other}.mentions WHERE tenant = $1 AND entity_id = $2
    UNION ALL SELECT subject_id, document_id FROM {one}.relations WHERE tenant = $1 AND $2 IN (subject_id, object_id)
    UNION ALL SELECT subject_id, document_id FROM {other}.relations WHERE tenant = $1 AND $2 IN (subject_id, object_id)
    UNION ALL SELECT entity_id, document_id FROM {one}.aliases WHERE tenant = $1 AND entity_id = $2
    UNION ALL SELECT entity_id, document_id FROM {other}.aliases WHERE tenant = $1 AND entity_id = $2
) AS named ORDER BY document_id LIMIT $3
"""
_ASKED = """
SELECT question FROM (
    SELECT DISTINCT ON (question) question, asked_at FROM (
        SELECT question, asked_at FROM {one}.queries WHERE tenant = $1
        UNION ALL SELECT question, asked_at FROM {other}.queries WHERE tenant = $1
    ) AS asked ORDER BY question, asked_at DESC
) AS each ORDER BY asked_at DESC, question LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What differs: an id, and within a document's that of a relation. A side is None where it is not there."""

    id: str
    part: str
    one: dict[str, Any] | None
    other: dict[str, Any] | None


class GenerationDifferences:
    """Between the generations in two schemas. Every method raises StoreUnavailableError."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def rows(
        self, tenant: str, kind: Kind, one: str, other: str, after: tuple[str, str], limit: int
    ) -> list[Row]:
        """At most `limit`, by id and part in the order of code points, from behind the pair `after`."""
        own = _OWN[kind]
        statement = _DIFFERENT.replace("{one}", own.replace("{schema}", one))
        statement = statement.replace("{other}", own.replace("{schema}", other))
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(statement, tenant, *after, limit, timeout=LIMIT_S)
        return [Row(row["id"], row["part"], _side(row["one"]), _side(row["other"])) for row in rows]

    async def naming(self, tenant: str, one: str, other: str, entity_id: str, limit: int) -> list[str]:
        """Documents that say something of an entity in either, at most `limit`."""
        statement = _NAMING.replace("{one}", one).replace("{other}", other)
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(statement, tenant, entity_id, limit)
        return [row["document_id"] for row in rows]

    async def asked(self, tenant: str, one: str, other: str, limit: int) -> Sequence[str]:
        """The questions that were asked last, each once."""
        statement = _ASKED.replace("{one}", one).replace("{other}", other)
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(statement, tenant, limit)
        return [row["question"] for row in rows]


def _side(value: str | None) -> dict[str, Any] | None:
    return None if value is None else json.loads(value)
