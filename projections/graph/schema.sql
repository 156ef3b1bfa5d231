-- By these a reader is kept to what documents of some collections say; an empty text stands for none.
CREATE TABLE {schema}.documents (
    tenant text NOT NULL, document_id text NOT NULL, collection text NOT NULL);
-- Passages are nodes; consecutive ones of a document (index, index + 1) are linked by that.
CREATE TABLE {schema}.passages (
    tenant text NOT NULL, document_id text NOT NULL, chunk_id text NOT NULL, index integer NOT NULL);
-- `key`: the name as it is looked for in texts and questions; empty where it is not, and for a mention where the
-- entity's id follows from it.
-- Edges: a passage names an entity, is about it, states something of two.
CREATE TABLE {schema}.mentions (
    tenant text NOT NULL, document_id text NOT NULL, chunk_id text NOT NULL, entity_id text NOT NULL,
    name text NOT NULL, type text NOT NULL, times integer NOT NULL, key text NOT NULL);
CREATE TABLE {schema}.subjects (
    tenant text NOT NULL, document_id text NOT NULL, chunk_id text NOT NULL, entity_id text NOT NULL,
    name text NOT NULL, quality double precision NOT NULL, key text NOT NULL);
CREATE TABLE {schema}.relations (
    tenant text NOT NULL, document_id text NOT NULL, relation_id text NOT NULL, subject_id text NOT NULL,
    subject text NOT NULL, predicate text NOT NULL, object_id text NOT NULL, object text NOT NULL,
    chunk_id text NOT NULL, start_at integer NOT NULL, end_at integer NOT NULL, confidence double precision NOT NULL,
    modality text, "time" text, valid_from text, valid_until text);
-- `names` were given by people, `keys` are these as they are looked for.
CREATE TABLE {schema}.decisions (
    tenant text NOT NULL, entity_id text NOT NULL, name text, type text, merged_into text, valid boolean,
    names text[] NOT NULL, keys text[] NOT NULL);
-- How often documents give an entity which name and type; no type where they say none.
CREATE TABLE {schema}.entity_names (
    tenant text NOT NULL, entity_id text NOT NULL, name text NOT NULL, type text NOT NULL, times bigint NOT NULL);
-- Entities are nodes; they follow from the edges and the decisions.
CREATE TABLE {schema}.entities (
    tenant text NOT NULL, entity_id text NOT NULL, name text NOT NULL, type text, passages bigint NOT NULL,
    merged_into text, valid boolean);
