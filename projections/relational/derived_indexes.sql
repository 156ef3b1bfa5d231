-- Of what derives from the other tables, once it is there.
-- A name may be longer than an index takes.
CREATE UNIQUE INDEX ON {schema}.entity_names (tenant, entity_id, md5(name), type);
ALTER TABLE {schema}.entities ADD PRIMARY KEY (tenant, entity_id);
CREATE INDEX ON {schema}.entities (tenant, (lower(left(name, 200)) COLLATE "C"), (entity_id COLLATE "C"));
