-- What is kept of a webhook beside its events. Its secret is sealed with a data key (0012).
CREATE TABLE annals.webhooks (
    tenant text NOT NULL,
    id text NOT NULL,
    sealed_secret bytea NOT NULL,
    -- The event that could not be sent yet, and since when it is tried.
    trying uuid,
    trying_since timestamptz,
    -- Since when nothing could be sent, and what went wrong last.
    failing_since timestamptz,
    cause text,
    PRIMARY KEY (tenant, id)
);
