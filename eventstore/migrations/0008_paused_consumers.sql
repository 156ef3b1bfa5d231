-- Consumers that set aside too many of their messages, and wait for somebody to act.
CREATE TABLE annals.paused_consumers (
    consumer text PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now(),
    dead_letters integer NOT NULL,
    messages integer NOT NULL,
    cause text NOT NULL
);
