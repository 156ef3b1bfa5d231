-- Vectors of different models may lie side by side; each dimension has an index of its own in a tenant's own part.
-- `words`: lexemes of text and title, the title twice, by the language's `analyser`; `length`: words of that, for BM25.
-- `collection`: of the document, an empty text for none; a reader is kept to some by it.
-- `literal`: words of title and text as they are, case aside, for phrases, prefixes and negation.
-- `spelled_words`, `spelled_literals`: what these two are made of where the text is not read as it stands.
CREATE TABLE {schema}.passages (
    tenant text NOT NULL, document_id text NOT NULL, chunk_id text NOT NULL, index integer NOT NULL,
    title text NOT NULL, text text NOT NULL, start_at integer NOT NULL, end_at integer NOT NULL,
    model text NOT NULL, dimension smallint NOT NULL, embedding public.halfvec NOT NULL, length integer NOT NULL,
    collection text NOT NULL, analyser text NOT NULL, spelled_words text, spelled_literals text,
    words tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector(
        CASE analyser
            WHEN 'english' THEN 'pg_catalog.english'::regconfig WHEN 'german' THEN 'pg_catalog.german'::regconfig
            WHEN 'french' THEN 'pg_catalog.french'::regconfig WHEN 'spanish' THEN 'pg_catalog.spanish'::regconfig
            WHEN 'italian' THEN 'pg_catalog.italian'::regconfig
            WHEN 'portuguese' THEN 'pg_catalog.portuguese'::regconfig
            WHEN 'dutch' THEN 'pg_catalog.dutch'::regconfig WHEN 'russian' THEN 'pg_catalog.russian'::regconfig
            WHEN 'arabic' THEN 'pg_catalog.arabic'::regconfig WHEN 'hindi' THEN 'pg_catalog.hindi'::regconfig
            ELSE 'pg_catalog.simple'::regconfig END,
        coalesce(spelled_words, title || ' . ' || title || ' . ' || text))) STORED,
    literal tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple'::regconfig,
        coalesce(spelled_literals, regexp_replace(title || ' ' || text, '[^[:alnum:]]+', ' ', 'g')))) STORED)
    PARTITION BY LIST (tenant);
-- Of all tenants that have few passages; each of the others has a part to itself (projections/vector/parts.py).
CREATE TABLE {schema}.passages_shared PARTITION OF {schema}.passages DEFAULT;
-- For BM25: how many passages hold a lexeme, how many there are, and how many words are in them.
CREATE TABLE {schema}.terms (
    tenant text NOT NULL, lexeme text NOT NULL, passages bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE {schema}.collections (tenant text NOT NULL, passages bigint NOT NULL, length bigint NOT NULL);
-- By which analysers a tenant's passages are read: a question is read by each of them.
CREATE TABLE {schema}.tenant_analysers (tenant text NOT NULL, analyser text NOT NULL, passages bigint NOT NULL);
