-- How far the relay is. `epoch` counts how often the broker had to be filled anew.
CREATE TABLE annals.relay_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position bigint NOT NULL,
    epoch integer NOT NULL,
    dead_letter_id bigint NOT NULL
);
INSERT INTO annals.relay_state (position, epoch, dead_letter_id) VALUES (0, 1, 0);

-- The end of each partition as of relay_state.position.
CREATE TABLE annals.relay_offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
);
