-- What all gateways count together. Lost in a crash, which starts everybody anew.
-- Subjects are digests: somebody may have typed a password where his name belongs.
CREATE UNLOGGED TABLE annals.failed_attempts (
    kind text NOT NULL,
    subject text NOT NULL,
    value double precision NOT NULL,
    at timestamptz NOT NULL,
    rose boolean NOT NULL,
    PRIMARY KEY (kind, subject)
);
CREATE INDEX failed_attempts_at ON annals.failed_attempts (at);
CREATE UNLOGGED TABLE annals.threat_counts (
    tenant text NOT NULL,
    identity text NOT NULL,
    time_window bigint NOT NULL,
    what text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (tenant, identity, time_window, what)
);
CREATE INDEX threat_counts_window ON annals.threat_counts (time_window);
