-- How each account usually behaves, and who is blocked now. An address is of no tenant, which an empty text stands for.
CREATE TABLE annals.threat_profiles (
    tenant text NOT NULL,
    account text NOT NULL,
    state jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, account)
);
CREATE TABLE annals.threat_blocks (
    tenant text NOT NULL,
    identity text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    until timestamptz NOT NULL,
    explanation text NOT NULL,
    PRIMARY KEY (tenant, identity)
);
