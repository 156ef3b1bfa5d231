-- The secret from which the ids of streams follow (`eventstore.log_secret`): which data key it is, and what tells it from
-- others without saying it. A log without a row follows the public rules, as every log did before.
CREATE TABLE annals.log_secret (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key_id text NOT NULL,
    fingerprint bytea NOT NULL
);
