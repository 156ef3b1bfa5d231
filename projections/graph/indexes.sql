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
ALTER TABLE {schema}.decisions ADD PRIMARY KEY (tenant, entity_id);
CREATE INDEX ON {schema}.decisions (tenant, merged_into) WHERE merged_into IS NOT NULL;
-- A name may be longer than an index takes.
CREATE UNIQUE INDEX ON {schema}.entity_names (tenant, entity_id, md5(name), type);
ALTER TABLE {schema}.entities ADD PRIMARY KEY (tenant, entity_id);
