-- No primary key: it would have the table to itself, and words are counted meanwhile.
CREATE UNIQUE INDEX ON {schema}.passages (tenant, chunk_id);
CREATE INDEX ON {schema}.passages (tenant, document_id);
CREATE INDEX ON {schema}.passages (tenant, collection);
CREATE INDEX ON {schema}.passages USING gin (words);
CREATE INDEX ON {schema}.passages USING gin (literal);
