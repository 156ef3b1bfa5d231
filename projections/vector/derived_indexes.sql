-- Of what derives from the other tables, once it is there.
-- A lexeme is never longer than an index takes.
ALTER TABLE {schema}.terms ADD PRIMARY KEY (tenant, lexeme);
ALTER TABLE {schema}.collections ADD PRIMARY KEY (tenant);
ALTER TABLE {schema}.tenant_analysers ADD PRIMARY KEY (tenant, analyser);
