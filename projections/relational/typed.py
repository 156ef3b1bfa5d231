"""What the ontology says of relations, as they are read from the relational read model."""

from collections.abc import Collection, Sequence

from contracts.merges import ends
from contracts.ontology import Ontology
from eventstore.pool import Connection
from projections.relational import visible
from projections.relational.entity_lookup import MERGES

_TYPES = "SELECT entity_id, type FROM relational.entities WHERE tenant = $1 AND entity_id = ANY($2::text[])"
# As these documents call it; a person's word comes first.
_SEEN_TYPES = f"""
SELECT k.entity_id, coalesce(p.type, t.type) AS type
FROM unnest($2::text[]) AS k(entity_id)
LEFT JOIN relational.decisions AS p ON p.tenant = $1 AND p.entity_id = k.entity_id
LEFT JOIN LATERAL (
    SELECT m.type FROM relational.mentions AS m
    WHERE m.tenant = $1 AND m.entity_id = k.entity_id AND m.type <> '' AND {visible.of_collections("m", "$3")}
    GROUP BY m.type ORDER BY count(*) DESC, m.type COLLATE "C" LIMIT 1
) AS t ON true
"""
Ends = tuple[str, str, str]
"""Id of the subject, predicate, id of the object."""


async def violations(
    connection: Connection,
    tenant: str,
    ontology: Ontology,
    relations: Sequence[Ends],
    collections: frozenset[str] | None = None,
) -> list[str | None]:
    """Of each relation what is wrong with it, in words; None where nothing is.

    An entity is of the type that people gave it, else of the one that most documents do: of `collections`, where they
    are given. What was merged is of the type of what it became.
    """
    ruled = [one for one in relations if ontology.rules(one[1])]
    if not ruled:
        return [None] * len(relations)
    types = await _types(connection, tenant, {end for one in ruled for end in (one[0], one[2])}, collections)
    return [ontology.violation(named, types.get(subject), types.get(obj)) for subject, named, obj in relations]


async def _types(
    connection: Connection, tenant: str, entities: Collection[str], collections: frozenset[str] | None
) -> dict[str, str]:
    if collections is not None:
        rows = await connection.fetch(_SEEN_TYPES, tenant, sorted(entities), sorted(collections))
        return {row["entity_id"]: row["type"] for row in rows if row["type"] is not None}
    links = await connection.fetch(MERGES, tenant, sorted(entities))
    became = ends({row["entity_id"]: row["into_id"] for row in links})
    wanted = set(entities) | {became[one] for one in entities if one in became}
    rows = await connection.fetch(_TYPES, tenant, sorted(wanted))
    known = {row["entity_id"]: row["type"] for row in rows if row["type"] is not None}
    found = {one: known.get(became.get(one, one), known.get(one)) for one in entities}
    return {one: kind for one, kind in found.items() if kind is not None}
