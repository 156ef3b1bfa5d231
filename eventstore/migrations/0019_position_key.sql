-- Two random UUIDs have 244 random bits.
CREATE TABLE annals.position_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) CHECK (octet_length(key) = 32)
);
INSERT INTO annals.position_key DEFAULT VALUES;
