-- Data keys, each wrapped by the master key, which is not in this database. A row outlives its key: it says that
-- there was one and when it was destroyed.
CREATE TABLE annals.data_keys (
    key_id text PRIMARY KEY,
    tenant text NOT NULL,
    subject text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    master text,
    wrapped bytea,
    -- Encryptions that processes have reserved.
    uses bigint NOT NULL DEFAULT 0,
    -- It encrypts no more, and goes on decrypting.
    retired_at timestamptz,
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL) AND (wrapped IS NULL) = (master IS NULL)),
    CHECK (destroyed_at IS NULL OR retired_at IS NOT NULL)
);
CREATE UNIQUE INDEX data_keys_present ON annals.data_keys (tenant, subject) WHERE retired_at IS NULL;
CREATE INDEX data_keys_subject ON annals.data_keys (tenant, subject, created_at);
