ALTER TABLE {schema}.passages ADD PRIMARY KEY (tenant, chunk_id);
CREATE INDEX ON {schema}.passages (tenant, document_id);
CREATE INDEX ON {schema}.passages (tenant, collection);
CREATE INDEX ON {schema}.passages USING gin (words);
CREATE INDEX ON {schema}.passages USING gin (literal);
