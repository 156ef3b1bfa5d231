"""SQL of the graph as documents of some collections have it: $1 is the tenant, $2 ids, $3 the collections."""


def visible(row: str, collections: str) -> str:
    """Condition: the document of this row is of one of these collections."""
    return (
        f"EXISTS (SELECT FROM graph.documents AS v WHERE v.tenant = {row}.tenant "
        f"AND v.document_id = {row}.document_id AND v.collection = ANY({collections}::text[]))"
    )


_NAMINGS = (
    ("mentions", "entity_id", "name", "r.type"),
    ("subjects", "entity_id", "name", "''"),
    ("relations", "subject_id", "subject", "''"),
    ("relations", "object_id", "object", "''"),
)
"""Tables whose rows name an entity, with its id, name and type."""

_NAMED = " UNION ALL ".join(
    f"SELECT r.{entity} AS entity_id, r.{name} AS name, {kind} AS type, r.chunk_id FROM graph.{table} AS r "
    f"WHERE r.tenant = $1 AND r.{entity} = ANY($2) AND {visible('r', '$3')}"
    for table, entity, name, kind in _NAMINGS
)


def _most(column: str, condition: str) -> str:
    """The most frequent value of each entity; in a tie the first by its bytes."""
    return (
        f"SELECT DISTINCT ON (entity_id) entity_id, {column} FROM named WHERE {condition} "
        f'GROUP BY entity_id, {column} ORDER BY entity_id, count(*) DESC, {column} COLLATE "C"'
    )


def _together(seen: str, into: str) -> str:
    named = " UNION ALL ".join(
        f"SELECT k.into_id, r.chunk_id FROM unnest($2::text[], {into}::text[]) AS k(entity_id, into_id) "
        f"JOIN graph.{table} AS r ON r.tenant = $1 AND r.{entity} = k.entity_id{seen}"
        for table, entity, _, _ in _NAMINGS
    )
    return f"SELECT into_id, count(DISTINCT chunk_id) AS passages FROM ({named}) AS n GROUP BY into_id"


TOGETHER = _together("", "$3")
VISIBLE_TOGETHER = _together(f" AND {visible('r', '$3')}", "$4")
"""In how many passages entities are spoken of together: $2 are they, the last parameter what each became."""

ENTITIES = f"""
WITH named AS ({_NAMED})
SELECT c.entity_id, coalesce(d.name, n.name), coalesce(d.type, t.type), c.passages
FROM (SELECT entity_id, count(DISTINCT chunk_id) AS passages FROM named GROUP BY entity_id) AS c
JOIN ({_most("name", "true")}) AS n USING (entity_id)
LEFT JOIN ({_most("type", "type <> ''")}) AS t USING (entity_id)
LEFT JOIN graph.decisions AS d ON d.tenant = $1 AND d.entity_id = c.entity_id
WHERE d.valid IS NOT false ORDER BY c.entity_id
"""

_NAMES_IT = " OR ".join(
    f"EXISTS (SELECT FROM graph.{table} AS r WHERE r.tenant = $1 AND r.{entity} = k.entity_id AND {visible('r', '$3')})"
    for table, entity, _, _ in _NAMINGS
)
SPOKEN_OF = f"SELECT k.entity_id FROM unnest($2::text[]) AS k(entity_id) WHERE {_NAMES_IT}"
"""Those of these entities that a document of these collections names."""
