"""SQL of what documents of some collections say: $1 is the tenant, $2 the collections, an empty text for those of none.

It begins at these documents, so what it takes does not depend on what the others say.
"""

COLLECTION = (
    "CASE WHEN jsonb_typeof(d.attributes -> 'collection') = 'string' THEN d.attributes ->> 'collection' ELSE '' END"
)
"""Of the document `d`, as `contracts.access.collection_of` says."""

SEEN = f"SELECT d.document_id FROM relational.documents AS d WHERE d.tenant = $1 AND {COLLECTION} = ANY($2::text[])"
"""Ids of these documents."""

NAMINGS = (
    ("mentions", "entity_id", "name", "r.type"),
    ("aliases", "entity_id", "name", "''"),
    ("relations", "subject_id", "subject", "''"),
    ("relations", "object_id", "object", "''"),
)
"""Tables whose rows name an entity, with its id, name and type."""


def _named(condition: str) -> str:
    """Every row that names an entity; in the condition `{entity}` stands for the column with its id."""
    return " UNION ALL ".join(
        f"SELECT r.{entity} AS entity_id, r.{name} AS name, {kind} AS type, r.document_id FROM relational.{table} AS r "
        f"WHERE r.tenant = $1 AND {condition.format(entity=entity)}"
        for table, entity, name, kind in NAMINGS
    )


def _most(column: str, condition: str) -> str:
    """The most frequent value of each entity; in a tie the first by its bytes."""
    return (
        f"SELECT DISTINCT ON (entity_id) entity_id, {column} FROM named WHERE {condition} "
        f'GROUP BY entity_id, {column} ORDER BY entity_id, count(*) DESC, {column} COLLATE "C"'
    )


_CALLED = f"""
SELECT
    $1::text AS tenant, c.entity_id, coalesce(p.name, n.name) AS name, coalesce(p.type, t.type) AS type,
    c.mentions, c.documents, p.valid, p.merged_into
FROM (
    SELECT entity_id, count(nullif(type, '')) AS mentions, count(DISTINCT document_id) AS documents
    FROM named GROUP BY entity_id
) AS c
JOIN ({_most("name", "true")}) AS n USING (entity_id)
LEFT JOIN ({_most("type", "type <> ''")}) AS t USING (entity_id)
LEFT JOIN relational.decisions AS p ON p.tenant = $1 AND p.entity_id = c.entity_id
"""

ENTITIES = f"""
WITH seen AS ({SEEN}),
named AS ({_named("r.document_id IN (SELECT document_id FROM seen)")}),
called AS ({_CALLED}),
entities AS (
    SELECT * FROM called
    WHERE merged_into IS NULL OR NOT EXISTS (SELECT FROM called AS o WHERE o.entity_id = called.merged_into)
)
"""
"""`seen` are the documents, `entities` who is named there, without those that were merged into another of them."""

OF_DOCUMENT = f"""
WITH seen AS ({SEEN} UNION SELECT $3::text),
own AS (
    SELECT entity_id, count(*) AS times FROM relational.mentions WHERE tenant = $1 AND document_id = $3
    GROUP BY entity_id
),
named AS ({_named("r.{entity} IN (SELECT entity_id FROM own) AND r.document_id IN (SELECT document_id FROM seen)")})
SELECT entity_id, called.name, called.type, own.times AS mentions
FROM own JOIN ({_CALLED}) AS called USING (entity_id) ORDER BY own.times DESC, called.name
"""
"""The entities of the document $3, called as these documents and itself call them."""

COUNTS = f"""
{ENTITIES}
SELECT
    (SELECT count(*) FROM seen) AS documents,
    (SELECT count(*) FROM seen JOIN relational.chunks AS c ON c.tenant = $1 AND c.document_id = seen.document_id)
        AS chunks,
    (SELECT count(*) FROM entities WHERE valid IS NOT false) AS entities,
    (SELECT count(*) FROM seen JOIN relational.relations AS r ON r.tenant = $1 AND r.document_id = seen.document_id
        WHERE r.valid IS NOT false) AS relations,
    (SELECT count(*) FROM seen JOIN relational.states AS s ON s.tenant = $1 AND s.document_id = seen.document_id
        WHERE s.stage <> 'processed') AS waiting
"""


def of_collections(row: str, collections: str) -> str:
    """Condition: the row of this alias is a document's of these collections."""
    return (
        f"EXISTS (SELECT FROM relational.documents AS d WHERE d.tenant = {row}.tenant "
        f"AND d.document_id = {row}.document_id AND {COLLECTION} = ANY({collections}::text[]))"
    )


def is_named(entity: str, collections: str) -> str:
    """Condition: a document of these collections names this entity."""
    return (
        "("
        + " OR ".join(
            f"EXISTS (SELECT FROM relational.{table} AS x JOIN relational.documents AS d USING (tenant, document_id) "
            f"WHERE x.tenant = $1 AND x.{own} = {entity} AND {COLLECTION} = ANY({collections}::text[]))"
            for table, own, _, _ in NAMINGS
        )
        + ")"
    )
