-- Of a key's secret only the hash is kept. Keys are no part of the log: they are neither published nor exported.
CREATE TABLE annals.api_keys (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    scopes text[],
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz);
CREATE INDEX api_keys_account ON annals.api_keys (tenant, account, created_at);

-- Grows with every change after which a credential counts no more; what events change is seen by their positions.
CREATE TABLE annals.access_changes (number bigint NOT NULL);
INSERT INTO annals.access_changes VALUES (0);
CREATE UNIQUE INDEX access_changes_single ON annals.access_changes ((true));
