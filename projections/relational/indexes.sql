ALTER TABLE {schema}.documents ADD PRIMARY KEY (tenant, document_id);
CREATE INDEX ON {schema}.documents USING gin (attributes jsonb_path_ops);
ALTER TABLE {schema}.states ADD PRIMARY KEY (tenant, document_id);
CREATE INDEX ON {schema}.states (tenant, stage);
ALTER TABLE {schema}.chunks ADD PRIMARY KEY (tenant, document_id, chunk_id);
CREATE INDEX ON {schema}.mentions (tenant, document_id);
CREATE INDEX ON {schema}.mentions (tenant, entity_id);
CREATE INDEX ON {schema}.aliases (tenant, document_id);
CREATE INDEX ON {schema}.aliases (tenant, entity_id);
ALTER TABLE {schema}.relations ADD PRIMARY KEY (tenant, document_id, relation_id);
CREATE INDEX ON {schema}.relations (tenant, subject_id);
CREATE INDEX ON {schema}.relations (tenant, object_id);
ALTER TABLE {schema}.decisions ADD PRIMARY KEY (tenant, entity_id);
-- A name may be longer than an index takes.
CREATE UNIQUE INDEX ON {schema}.entity_names (tenant, entity_id, md5(name), type);
ALTER TABLE {schema}.entities ADD PRIMARY KEY (tenant, entity_id);
ALTER TABLE {schema}.queries ADD PRIMARY KEY (tenant, query_id);
