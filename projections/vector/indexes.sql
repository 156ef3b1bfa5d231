ALTER TABLE {schema}.passages ADD PRIMARY KEY (tenant, chunk_id);
CREATE INDEX ON {schema}.passages (tenant, document_id);
CREATE INDEX ON {schema}.passages USING gin (words);
DO $$
DECLARE
    size smallint;
BEGIN
    -- 384 is what the default embedder has; others are indexed once there are vectors of them.
    FOREACH size IN ARRAY ARRAY(SELECT 384::smallint UNION SELECT DISTINCT dimension FROM {schema}.passages) LOOP
        EXECUTE format(
            'CREATE INDEX IF NOT EXISTS embedding_%1$s ON {schema}.passages '
            'USING hnsw ((embedding::public.halfvec(%1$s)) public.halfvec_cosine_ops) WHERE dimension = %1$s', size);
    END LOOP;
END $$;
