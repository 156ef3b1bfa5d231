-- Each view reads through a function whose body names the live tables: the body is read anew with each plan, so a view
-- follows every replay without being touched, and is planned as if it were the query itself (no SECURITY DEFINER, no
-- SET, one SELECT: PostgreSQL then puts the body in place of the call).
CREATE OR REPLACE FUNCTION dashboards.read_documents() RETURNS TABLE (
    tenant text, document_id text, title text, uri text, attributes jsonb, characters integer, bytes integer,
    taken_at timestamptz, stage text, since timestamptz) LANGUAGE sql STABLE AS $$
    SELECT d.tenant, d.document_id, d.title, d.uri, d.attributes, d.characters, d.bytes, d.taken_at, s.stage, s.since
    FROM relational.documents d LEFT JOIN relational.states s
        ON s.tenant = d.tenant AND s.document_id = d.document_id $$;
CREATE OR REPLACE VIEW dashboards.documents WITH (security_invoker) AS SELECT * FROM dashboards.read_documents();

CREATE OR REPLACE FUNCTION dashboards.read_chunks() RETURNS TABLE (
    tenant text, document_id text, chunk_id text, index integer, start_at integer, end_at integer, tokens integer)
    LANGUAGE sql STABLE AS $$
    SELECT c.tenant, c.document_id, c.chunk_id, c.index, c.start_at, c.end_at, c.tokens FROM relational.chunks c $$;
CREATE OR REPLACE VIEW dashboards.chunks WITH (security_invoker) AS SELECT * FROM dashboards.read_chunks();

CREATE OR REPLACE FUNCTION dashboards.read_entities() RETURNS TABLE (
    tenant text, entity_id text, name text, type text, mentions bigint, documents bigint, merged_into text,
    valid boolean) LANGUAGE sql STABLE AS $$
    SELECT e.tenant, e.entity_id, e.name, e.type, e.mentions, e.documents, e.merged_into, e.valid
    FROM relational.entities e $$;
CREATE OR REPLACE VIEW dashboards.entities WITH (security_invoker) AS SELECT * FROM dashboards.read_entities();

CREATE OR REPLACE FUNCTION dashboards.read_mentions() RETURNS TABLE (
    tenant text, document_id text, chunk_id text, entity_id text, name text, type text, start_at integer,
    end_at integer, confidence double precision) LANGUAGE sql STABLE AS $$
    SELECT m.tenant, m.document_id, m.chunk_id, m.entity_id, m.name, m.type, m.start_at, m.end_at, m.confidence
    FROM relational.mentions m $$;
CREATE OR REPLACE VIEW dashboards.mentions WITH (security_invoker) AS SELECT * FROM dashboards.read_mentions();

CREATE OR REPLACE FUNCTION dashboards.read_relations() RETURNS TABLE (
    tenant text, document_id text, chunk_id text, relation_id text, subject_id text, subject text, predicate text,
    object_id text, object text, start_at integer, end_at integer, confidence double precision, valid boolean)
    LANGUAGE sql STABLE AS $$
    SELECT r.tenant, r.document_id, r.chunk_id, r.relation_id, r.subject_id, r.subject, r.predicate, r.object_id,
        r.object, r.start_at, r.end_at, r.confidence, r.valid FROM relational.relations r
    WHERE NOT r.negated $$;
CREATE OR REPLACE VIEW dashboards.relations WITH (security_invoker) AS SELECT * FROM dashboards.read_relations();

CREATE OR REPLACE FUNCTION dashboards.read_questions() RETURNS TABLE (
    tenant text, query_id text, question text, answered boolean, confidence double precision, cached boolean,
    milliseconds integer, asked_at timestamptz) LANGUAGE sql STABLE AS $$
    SELECT q.tenant, q.query_id, q.question, q.answered, q.confidence, q.cached, q.milliseconds, q.asked_at
    FROM relational.queries q $$;
CREATE OR REPLACE VIEW dashboards.questions WITH (security_invoker) AS SELECT * FROM dashboards.read_questions();

GRANT SELECT ON dashboards.documents, dashboards.chunks, dashboards.entities, dashboards.mentions,
    dashboards.relations, dashboards.questions TO annals_reader;
