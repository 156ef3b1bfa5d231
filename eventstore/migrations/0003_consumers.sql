-- Inbox deliveries that were processed, also those that changed nothing.
CREATE TABLE annals.inbox_receipts (
    event_id uuid PRIMARY KEY,
    outcome text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- How far each stage is, for each partition: everything up to `position` there was processed.
CREATE TABLE annals.consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);

-- What could not be decoded or handled, kept whole with its cause.
CREATE TABLE annals.dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text,
    consumer text NOT NULL,
    identity text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key bytea,
    value bytea,
    headers jsonb NOT NULL,
    event_id uuid,
    position bigint,
    error text NOT NULL,
    cause text NOT NULL,
    attempts integer NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'retrying', 'resolved')),
    -- Set when a retry was asked for, cleared when the relay has published it.
    republish boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, identity)
);
CREATE INDEX dead_letters_status ON annals.dead_letters (status, id);
