-- No primary key where entities derive from a table: it would have the table to itself, and they are derived meanwhile.
ALTER TABLE {schema}.documents ADD PRIMARY KEY (tenant, document_id);
CREATE INDEX ON {schema}.documents USING gin (attributes jsonb_path_ops);
-- What somebody may see of some collections alone begins here.
CREATE INDEX ON {schema}.documents (tenant, (
    CASE WHEN jsonb_typeof(attributes -> 'collection') = 'string' THEN attributes ->> 'collection' ELSE '' END));
ALTER TABLE {schema}.states ADD PRIMARY KEY (tenant, document_id);
CREATE INDEX ON {schema}.states (tenant, stage);
-- Lists go by code points, and prefixes are ranges then, whatever the database's own collation.
CREATE INDEX ON {schema}.documents (tenant, document_id COLLATE "C");
CREATE INDEX ON {schema}.documents (tenant, (lower(left(title, 200)) COLLATE "C"));
ALTER TABLE {schema}.chunks ADD PRIMARY KEY (tenant, document_id, chunk_id);
CREATE INDEX ON {schema}.mentions (tenant, document_id);
CREATE INDEX ON {schema}.mentions (tenant, entity_id);
CREATE INDEX ON {schema}.aliases (tenant, document_id);
CREATE INDEX ON {schema}.aliases (tenant, entity_id);
CREATE UNIQUE INDEX ON {schema}.relations (tenant, document_id, relation_id);
CREATE INDEX ON {schema}.relations (tenant, relation_id);
CREATE INDEX ON {schema}.relations (tenant, subject_id);
CREATE INDEX ON {schema}.relations (tenant, object_id);
CREATE INDEX ON {schema}.relations (tenant, chunk_id) WHERE NOT valid AND NOT negated;
CREATE INDEX ON {schema}.relations (tenant, md5(succession)) WHERE succession IS NOT NULL;
CREATE UNIQUE INDEX ON {schema}.decisions (tenant, entity_id);
CREATE INDEX ON {schema}.decisions (tenant, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ON {schema}.decisions USING gin (keys);
ALTER TABLE {schema}.queries ADD PRIMARY KEY (tenant, query_id);
CREATE INDEX ON {schema}.queries (tenant, cache_key) WHERE NOT valid;
