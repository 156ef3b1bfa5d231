-- Of what derives from the other tables, once it is there.
-- A name may be longer than an index takes.
CREATE UNIQUE INDEX ON {schema}.entity_names (tenant, entity_id, md5(name), type);
ALTER TABLE {schema}.entities ADD PRIMARY KEY (tenant, entity_id);
-- Of what most entities are not: how many passages speak of one that several speak of is read from the index alone.
CREATE INDEX ON {schema}.entities (tenant, entity_id) INCLUDE (passages) WHERE passages > 1;
