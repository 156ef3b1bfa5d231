"""The Cypher of the graph's reads.

A condition such as `p.chunk_id IS NOT NULL` always holds: it is what lets Neo4j use a composite index by its first
properties.
"""

DECIDED = """
MATCH (m:ReadModel {name: $name})
RETURN m.generation AS generation, COLLECT {
    MATCH (e:Entity {generation: m.generation, tenant: $tenant, decided: true})
    RETURN [e.entity_id, e.merged_into, coalesce(e.given_names, []), e.valid]
} AS decided
"""

# Read after the rows: a query has no snapshot, so it says whether their generation is still the live one.
_STILL = "MATCH (m:ReadModel {name: $name}) RETURN found, m.generation = $generation AS still"

# An edge of a passage is its document's; an edge between entities says which document states it.
_VISIBLE = """EXISTS {
    MATCH (d:Document {generation: $generation, tenant: $tenant,
        document_id: coalesce(r.document_id, startNode(r).document_id)})
    WHERE d.collection IN $collections
}"""


def _edges(seen: str) -> str:
    return f"""
CALL () {{
    UNWIND $entities AS id
    MATCH (:Entity {{generation: $generation, tenant: $tenant, entity_id: id}})-[r:RELATES|MENTIONS|ABOUT]-()
    WHERE {seen}
    RETURN r
    UNION
    UNWIND $passages AS id
    MATCH (:Passage {{generation: $generation, tenant: $tenant, chunk_id: id}})-[r:MENTIONS|ABOUT|NEXT]-()
    WHERE {seen}
    RETURN r
}}
WITH r, type(r) AS type, startNode(r) AS a, endNode(r) AS b
WITH DISTINCT
    CASE type WHEN 'RELATES' THEN 'entity' ELSE 'passage' END AS source_kind,
    CASE type WHEN 'RELATES' THEN a.entity_id ELSE a.chunk_id END AS source,
    CASE type WHEN 'RELATES' THEN r.predicate + coalesce(' (' + r.modality + ')', '') ELSE toLower(type) END AS label,
    CASE type WHEN 'NEXT' THEN 'passage' ELSE 'entity' END AS target_kind,
    CASE type WHEN 'NEXT' THEN b.chunk_id ELSE b.entity_id END AS target
ORDER BY source_kind, source, label, target_kind, target LIMIT $limit
WITH collect([source_kind, source, label, target_kind, target]) AS found
{_STILL}
"""


EDGES = _edges("true")
VISIBLE_EDGES = _edges(_VISIBLE)

ENTITIES = f"""
UNWIND $ids AS id
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: id}}) WHERE coalesce(e.valid, true)
WITH e ORDER BY e.entity_id
WITH collect([e.entity_id, e.name, e.type, e.passages]) AS found
{_STILL}
"""

# A relation of an entity with itself names it twice. Which name is the first is decided where bytes are compared.
VISIBLE_ENTITIES = f"""
UNWIND $ids AS id
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: id}}) WHERE coalesce(e.valid, true)
CALL (e) {{
    CALL (e) {{
        MATCH (e)<-[r:MENTIONS|ABOUT|RELATES]-(other) WHERE {_VISIBLE}
        RETURN coalesce(r.name, r.object) AS name, coalesce(r.type, '') AS type,
            coalesce(r.chunk_id, other.chunk_id) AS chunk
        UNION ALL
        MATCH (e)-[r:RELATES]->() WHERE {_VISIBLE} RETURN r.subject AS name, '' AS type, r.chunk_id AS chunk
    }}
    WITH name, type, count(*) AS times, collect(DISTINCT chunk) AS chunks
    WITH collect([name, type, times]) AS said, collect(chunks) AS spoken
    RETURN said, COUNT {{ UNWIND spoken AS some UNWIND some AS chunk RETURN DISTINCT chunk }} AS passages
}}
WITH e, said, passages WHERE passages > 0
WITH e, said, passages ORDER BY e.entity_id
WITH collect([e.entity_id, e.decided_name, e.decided_type, said, passages]) AS found
{_STILL}
"""

SPOKEN_OF = f"""
UNWIND $ids AS id
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: id}})
WHERE EXISTS {{ MATCH (e)-[r:MENTIONS|ABOUT|RELATES]-() WHERE {_VISIBLE} }}
WITH collect(e.entity_id) AS found
{_STILL}
"""

IN_DOCUMENT = f"""
CALL () {{
    MATCH (d:Document {{generation: $generation, tenant: $tenant, document_id: $document_id}})
    WHERE $collections IS NULL OR d.collection IN $collections
    MATCH (p:Passage {{generation: $generation, tenant: $tenant, document_id: $document_id}})-[:MENTIONS|ABOUT]->(e)
    RETURN e.entity_id AS id
    UNION
    MATCH (d:Document {{generation: $generation, tenant: $tenant, document_id: $document_id}})
    WHERE $collections IS NULL OR d.collection IN $collections
    MATCH (s)-[:RELATES {{generation: $generation, tenant: $tenant, document_id: $document_id}}]->(o)
    UNWIND [s.entity_id, o.entity_id] AS id RETURN id
}}
WITH collect(id) AS found
{_STILL}
"""

_PASSAGE = "MATCH (p:Passage {generation: $generation, tenant: $tenant}) WHERE p.chunk_id IS NOT NULL"
SUBJECTS = f"{_PASSAGE} MATCH (p)-[r:ABOUT]->(e) RETURN e.entity_id, r.name, p.chunk_id, r.quality"
MENTIONS = f"{_PASSAGE} MATCH (p)-[r:MENTIONS]->(e) RETURN e.entity_id, r.name, p.chunk_id, r.times"
STATEMENTS = """
MATCH (s:Entity {generation: $generation, tenant: $tenant}) WHERE s.entity_id IS NOT NULL
MATCH (s)-[r:RELATES]->(o)
RETURN r.relation_id, s.entity_id, r.subject, r.predicate, o.entity_id, r.object, r.chunk_id, r.start_at, r.end_at,
    r.confidence, r.modality, r.time, r.valid_from, r.valid_until
"""

_OF_PASSAGES = """
UNWIND $chunks AS chunk MATCH (p:Passage {generation: $generation, tenant: $tenant, chunk_id: chunk})
"""
SUBJECTS_OF = f"{_OF_PASSAGES} MATCH (p)-[r:ABOUT]->(e) RETURN e.entity_id, r.name, p.chunk_id, r.quality"
MENTIONS_OF = f"{_OF_PASSAGES} MATCH (p)-[r:MENTIONS]->(e) RETURN e.entity_id, r.name, p.chunk_id, r.times"
STATEMENTS_OF = """
UNWIND $chunks AS chunk
MATCH (s)-[r:RELATES {generation: $generation, tenant: $tenant, chunk_id: chunk}]->(o)
RETURN r.relation_id, s.entity_id, r.subject, r.predicate, o.entity_id, r.object, r.chunk_id, r.start_at, r.end_at,
    r.confidence, r.modality, r.time, r.valid_from, r.valid_until
"""

NAMED = f"""
UNWIND $lookups AS lookup
CALL (lookup) {{
    MATCH (p:Passage)-[r:ABOUT {{lookup: lookup}}]->(e:Entity)
    RETURN e.entity_id AS id, r.name AS name, p.chunk_id AS chunk, r.quality AS quality
    ORDER BY quality DESC, chunk, id, name LIMIT $most
}}
WITH collect([id, name, chunk, quality]) AS found
{_STILL}
"""
ACCENTED = f"""
UNWIND $lookups AS lookup MATCH ()-[r:MENTIONS {{lookup: lookup}}]->(e:Entity)
WITH collect(DISTINCT e.entity_id) AS found
{_STILL}
"""
ABOUT = f"""
UNWIND $ids AS id
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: id}})
CALL (e) {{
    MATCH (p:Passage)-[r:ABOUT]->(e) RETURN r.name AS name, p.chunk_id AS chunk, r.quality AS quality
    ORDER BY quality DESC, chunk, name LIMIT $most
}}
WITH collect([id, name, chunk, quality]) AS found
{_STILL}
"""
MENTIONED = f"""
UNWIND $ids AS id
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: id}})
CALL (e) {{
    MATCH (p:Passage)-[r:MENTIONS]->(e) RETURN r.name AS name, p.chunk_id AS chunk, r.times AS times
    ORDER BY chunk, name LIMIT $most
}}
WITH collect([id, name, chunk, times]) AS found
{_STILL}
"""
SPREAD = f"""
UNWIND $ids AS id
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: id}}) WHERE e.passages > 1
WITH collect([id, e.passages]) AS found
{_STILL}
"""


def _together(seen: str) -> str:
    """In how many passages entities are spoken of together, `pairs` being them and what each became."""
    return f"""
UNWIND $pairs AS pair
MATCH (e:Entity {{generation: $generation, tenant: $tenant, entity_id: pair[0]}})
CALL (e) {{
    MATCH (e)-[r:MENTIONS|ABOUT|RELATES]-(other) WHERE {seen}
    RETURN coalesce(r.chunk_id, other.chunk_id) AS chunk
}}
WITH pair[1] AS into, count(DISTINCT chunk) AS passages
WITH collect([into, passages]) AS found
{_STILL}
"""


TOGETHER = _together("true")
VISIBLE_TOGETHER = _together(_VISIBLE)
