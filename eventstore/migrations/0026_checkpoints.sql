-- What the whole log was at one moment, signed; each is kept outside of this database, too. `subtrees` are the roots of the
-- largest complete subtrees, from the left, from which the tree goes on.
CREATE TABLE annals.checkpoints (
    position bigint PRIMARY KEY,
    size bigint NOT NULL,
    subtrees bytea[] NOT NULL,
    signed jsonb NOT NULL
);
-- Keys that sign checkpoints. The private one is sealed with a data key (0012).
CREATE TABLE annals.checkpoint_keys (
    id text PRIMARY KEY,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    sealed_private_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- Whoever appends needs this right alone; see docs/operations.md.
REVOKE EXECUTE ON FUNCTION annals.append_events(annals.stored_event_uuid[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION annals.chain_events(bigint, integer) FROM PUBLIC;
