-- Requests that must be done once, and what was answered: whoever asks again with the same key gets the same answer.
-- `holder` is the try that runs, taken for dead after `held_until`; `status` is null until it has answered.
CREATE TABLE annals.idempotency_keys (
    tenant text NOT NULL,
    actor text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    holder uuid NOT NULL,
    held_until timestamptz NOT NULL,
    status int,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, actor, key));
CREATE INDEX idempotency_keys_created_at ON annals.idempotency_keys (created_at);
