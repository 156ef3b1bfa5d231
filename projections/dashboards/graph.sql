-- Nodes and edges as the graph read model has them; made where it is in PostgreSQL.
CREATE OR REPLACE FUNCTION dashboards.read_graph_nodes() RETURNS TABLE (
    tenant text, id text, kind text, title text, type text, passages bigint) LANGUAGE sql STABLE AS $$
    SELECT e.tenant, e.entity_id, 'entity'::text, e.name, e.type, e.passages FROM graph.entities e
    WHERE e.merged_into IS NULL
    UNION ALL
    SELECT p.tenant, p.chunk_id, 'passage'::text, p.document_id, NULL::text, NULL::bigint FROM graph.passages p $$;
CREATE OR REPLACE VIEW dashboards.graph_nodes WITH (security_invoker) AS SELECT * FROM dashboards.read_graph_nodes();

CREATE OR REPLACE FUNCTION dashboards.read_graph_edges() RETURNS TABLE (
    tenant text, source text, target text, kind text, predicate text, document_id text, weight double precision)
    LANGUAGE sql STABLE AS $$
    SELECT m.tenant, m.chunk_id, m.entity_id, 'mentions'::text, NULL::text, m.document_id, m.times::double precision
    FROM graph.mentions m
    UNION ALL
    SELECT r.tenant, r.subject_id, r.object_id, 'states'::text, r.predicate, r.document_id, r.confidence
    FROM graph.relations r $$;
CREATE OR REPLACE VIEW dashboards.graph_edges WITH (security_invoker) AS SELECT * FROM dashboards.read_graph_edges();

GRANT SELECT ON dashboards.graph_nodes, dashboards.graph_edges TO annals_reader;
