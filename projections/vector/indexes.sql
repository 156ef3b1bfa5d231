ALTER TABLE {schema}.passages ADD PRIMARY KEY (tenant, chunk_id);
CREATE INDEX ON {schema}.passages (tenant, document_id);
CREATE INDEX ON {schema}.passages (tenant, collection);
CREATE INDEX ON {schema}.passages USING gin (words);
CREATE INDEX ON {schema}.passages USING gin (literal);
-- A lexeme is never longer than an index takes.
ALTER TABLE {schema}.terms ADD PRIMARY KEY (tenant, lexeme);
ALTER TABLE {schema}.collections ADD PRIMARY KEY (tenant);
ALTER TABLE {schema}.tenant_analysers ADD PRIMARY KEY (tenant, analyser);
