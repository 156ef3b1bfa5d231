-- What was erased from the log, while read models may still hold something of it: an erasure that is broken off goes on.
CREATE TABLE annals.unfinished_erasures (
    tenant text NOT NULL,
    kind text NOT NULL,
    aggregate_id text NOT NULL,
    PRIMARY KEY (tenant, kind, aggregate_id)
);
