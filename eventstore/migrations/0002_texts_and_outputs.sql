-- A document's text, once for each content, outside the events.
CREATE TABLE annals.texts (
    tenant text NOT NULL,
    document_id text NOT NULL,
    digest bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, document_id, digest)
);

-- What a model said of a text, by (model revision, digest of the text): the same text never runs twice.
CREATE TABLE annals.model_outputs (
    model text NOT NULL,
    digest bytea NOT NULL,
    output bytea NOT NULL,
    PRIMARY KEY (model, digest)
);
