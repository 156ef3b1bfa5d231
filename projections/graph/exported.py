"""The graph as tables of nodes and edges: those that dashboards see."""

from projections.exported import table

NODES = table("graph_nodes", "tenant text, id text, kind text, title text, type text, passages integer")
EDGES = table(
    "graph_edges",
    "tenant text, source text, target text, kind text, predicate text, document_id text, weight number",
)
TABLES = {
    NODES: "SELECT tenant, entity_id AS id, 'entity' AS kind, name AS title, type, passages FROM {schema}.entities "
    "WHERE tenant = $1 AND merged_into IS NULL "
    "UNION ALL SELECT tenant, chunk_id, 'passage', document_id, NULL, NULL FROM {schema}.passages WHERE tenant = $1 "
    "ORDER BY kind, id",
    EDGES: "SELECT tenant, chunk_id AS source, entity_id AS target, 'mentions' AS kind, NULL AS predicate, "
    "document_id, times::float8 AS weight FROM {schema}.mentions WHERE tenant = $1 "
    "UNION ALL SELECT tenant, subject_id, object_id, 'states', predicate, document_id, confidence "
    "FROM {schema}.relations WHERE tenant = $1 ORDER BY kind, source, target, predicate, document_id, weight",
}
"""With the rows of each, of the tenant $1."""
