-- A dead letter belongs to a tenant and an aggregate; what belongs to no tenant is the operator's.
ALTER TABLE annals.dead_letters
    ADD COLUMN aggregate_id text,
    -- Says which publication is the retry that was asked for; nobody else knows it.
    ADD COLUMN retry_token uuid,
    -- The log's newest position when the message was set aside.
    ADD COLUMN head bigint,
    -- Why it was dropped.
    ADD COLUMN reason text,
    DROP CONSTRAINT dead_letters_status_check,
    ADD CONSTRAINT dead_letters_status_check CHECK (status IN ('open', 'retrying', 'resolved', 'dropped'));

-- Events that could not be decoded: the relay's headers say which they were.
UPDATE annals.dead_letters AS l SET tenant = e.tenant, event_id = e.event_id
    FROM annals.stored_events AS e
    WHERE l.event_id IS NULL AND l.position = e.notification_id AND l.headers ->> 'event_id' = e.event_id::text
    AND l.consumer NOT LIKE 'inbox:%';
UPDATE annals.dead_letters AS l SET aggregate_id = e.aggregate_id, identity = e.originator_id || '/' || e.event_id
    FROM annals.stored_events AS e WHERE e.event_id = l.event_id AND e.tenant = l.tenant;
-- Retries that were asked for before have no token; they are asked for again.
UPDATE annals.dead_letters SET status = 'open', republish = false WHERE status = 'retrying';

CREATE INDEX dead_letters_aggregate ON annals.dead_letters (tenant, aggregate_id, consumer)
    WHERE status IN ('open', 'retrying');
