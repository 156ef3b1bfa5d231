-- How far a subscription is: everything up to `position` was handled. `holder` is the last program that began it.
CREATE TABLE annals.subscriptions (
    tenant text NOT NULL,
    name text NOT NULL,
    position bigint NOT NULL,
    holder uuid NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, name)
);
