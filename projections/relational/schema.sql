CREATE TABLE {schema}.documents (
    tenant text NOT NULL, document_id text NOT NULL, title text NOT NULL, uri text, attributes jsonb NOT NULL,
    digest text NOT NULL, characters integer NOT NULL, bytes integer NOT NULL, taken_at timestamptz NOT NULL);
CREATE TABLE {schema}.states (
    tenant text NOT NULL, document_id text NOT NULL, stage text NOT NULL, since timestamptz NOT NULL);
CREATE TABLE {schema}.chunks (
    tenant text NOT NULL, document_id text NOT NULL, chunk_id text NOT NULL, index integer NOT NULL,
    start_at integer NOT NULL, end_at integer NOT NULL, tokens integer NOT NULL, digest text NOT NULL);
CREATE TABLE {schema}.mentions (
    tenant text NOT NULL, document_id text NOT NULL, entity_id text NOT NULL, name text NOT NULL, type text NOT NULL,
    chunk_id text NOT NULL, start_at integer NOT NULL, end_at integer NOT NULL, confidence double precision NOT NULL);
CREATE TABLE {schema}.aliases (
    tenant text NOT NULL, document_id text NOT NULL, entity_id text NOT NULL, name text NOT NULL,
    chunk_id text NOT NULL, quality double precision NOT NULL);
-- `succession`: what those have in common of which a later one ends an earlier one.
CREATE TABLE {schema}.relations (
    tenant text NOT NULL, document_id text NOT NULL, relation_id text NOT NULL, subject_id text NOT NULL,
    subject text NOT NULL, predicate text NOT NULL, object_id text NOT NULL, object text NOT NULL,
    chunk_id text NOT NULL, start_at integer NOT NULL, end_at integer NOT NULL, confidence double precision NOT NULL,
    valid boolean, negated boolean NOT NULL, modality text, "time" text, valid_from text, valid_until text,
    succession text);
-- What people decided, and what follows from that and from all that documents say.
CREATE TABLE {schema}.decisions (
    tenant text NOT NULL, entity_id text NOT NULL, name text, type text, aliases text[] NOT NULL, keys text[] NOT NULL,
    merged_into text, valid boolean, confidence double precision);
-- How often documents give an entity which name and type; no type where they say none.
CREATE TABLE {schema}.entity_names (
    tenant text NOT NULL, entity_id text NOT NULL, name text NOT NULL, type text NOT NULL, times bigint NOT NULL);
CREATE TABLE {schema}.entities (
    tenant text NOT NULL, entity_id text NOT NULL, name text NOT NULL, type text, mentions bigint NOT NULL,
    documents bigint NOT NULL, merged_into text, valid boolean);
-- No answers here: they quote documents, and a deleted document leaves no trace. The event has them.
CREATE TABLE {schema}.queries (
    tenant text NOT NULL, query_id text NOT NULL, question text NOT NULL, answered boolean NOT NULL,
    confidence double precision NOT NULL, cached boolean NOT NULL, knowledge text NOT NULL,
    milliseconds integer NOT NULL, asked_at timestamptz NOT NULL, cache_key text, valid boolean);
