-- Hashes alone: no password and no refresh token can be told from these rows.
CREATE TABLE annals.passwords (
    tenant text NOT NULL,
    account text NOT NULL,
    hash text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, account));

-- Tokens of the account that were issued before count no more.
CREATE TABLE annals.token_floors (
    tenant text NOT NULL,
    account text NOT NULL,
    not_before timestamptz NOT NULL,
    PRIMARY KEY (tenant, account));

-- One use each. Those of one sign-in are a family; a second use ends the family.
CREATE TABLE annals.refresh_tokens (
    id text PRIMARY KEY,
    family text NOT NULL,
    tenant text NOT NULL,
    account text NOT NULL,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    scopes text[],
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz);
CREATE INDEX refresh_tokens_family ON annals.refresh_tokens (family);
CREATE INDEX refresh_tokens_account ON annals.refresh_tokens (tenant, account, created_at);
CREATE INDEX refresh_tokens_expiry ON annals.refresh_tokens (expires_at);

-- Ids of access tokens, and of families, that count no more; kept until the last such token has expired.
CREATE TABLE annals.revoked_tokens (
    tenant text NOT NULL,
    id text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, id));
CREATE INDEX revoked_tokens_expiry ON annals.revoked_tokens (expires_at);

-- Keys that sign access tokens. The private one is sealed with a data key (0012).
CREATE TABLE annals.signing_keys (
    id text PRIMARY KEY,
    public_key jsonb NOT NULL,
    sealed_private_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    signs_from timestamptz NOT NULL,
    signs_until timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz);
CREATE INDEX signing_keys_expiry ON annals.signing_keys (expires_at);
