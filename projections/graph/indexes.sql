-- No primary key where entities derive from a table: it would have the table to itself, and they are derived meanwhile.
ALTER TABLE {schema}.documents ADD PRIMARY KEY (tenant, document_id);
ALTER TABLE {schema}.passages ADD PRIMARY KEY (tenant, chunk_id);
CREATE INDEX ON {schema}.passages (tenant, document_id, index);
CREATE INDEX ON {schema}.mentions (tenant, document_id);
CREATE INDEX ON {schema}.mentions (tenant, entity_id, chunk_id);
CREATE INDEX ON {schema}.mentions (tenant, chunk_id);
CREATE INDEX ON {schema}.subjects (tenant, document_id);
CREATE INDEX ON {schema}.subjects (tenant, entity_id);
CREATE INDEX ON {schema}.subjects (tenant, chunk_id);
CREATE INDEX ON {schema}.mentions (tenant, key) WHERE key <> '';
CREATE INDEX ON {schema}.subjects (tenant, key, quality DESC, chunk_id) WHERE key <> '';
CREATE INDEX ON {schema}.relations (tenant, document_id);
CREATE INDEX ON {schema}.relations (tenant, subject_id);
CREATE INDEX ON {schema}.relations (tenant, object_id);
CREATE INDEX ON {schema}.relations (tenant, chunk_id);
CREATE UNIQUE INDEX ON {schema}.decisions (tenant, entity_id);
CREATE INDEX ON {schema}.decisions (tenant, merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX ON {schema}.decisions USING gin (keys);
