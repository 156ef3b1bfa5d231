-- What documents name now, and by which keys names are compared: what the consumer `resolution` decides from. It comes
-- from the log's events, and is deleted with the documents.
CREATE TABLE annals.named_documents (
    tenant text NOT NULL,
    document_id text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (tenant, document_id)
);
CREATE TABLE annals.names (
    tenant text NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    document_id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    chunk_id text NOT NULL,
    PRIMARY KEY (tenant, entity_id, document_id, name, type)
);
CREATE INDEX names_document ON annals.names (tenant, document_id);
CREATE TABLE annals.name_keys (
    tenant text NOT NULL,
    key text COLLATE "C" NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, key, entity_id)
);
CREATE INDEX name_keys_entity ON annals.name_keys (tenant, entity_id);
CREATE TABLE annals.name_assignments (
    tenant text NOT NULL,
    entity_id text NOT NULL,
    into_id text NOT NULL,
    PRIMARY KEY (tenant, entity_id)
);
