-- When each event was recorded, by this database's clock and never before the event in front of it; which position it
-- follows; and a hash over all of it and over the hash before. Filled for the events of today by
-- `eventstore.chaining`, which then makes the columns NOT NULL.
ALTER TABLE annals.stored_events
    ADD COLUMN recorded_at timestamptz,
    ADD COLUMN follows bigint,
    ADD COLUMN hash bytea;

-- The one definition of a hash in this database (STABLE, so that it is inlined); `security.event_chain` has the same
-- outside of it. Texts hold no zero byte, so that no two events have the same bytes.
CREATE FUNCTION annals.chained(
    previous bytea, "position" bigint, follows bigint, recorded_at timestamptz, originator_id uuid,
    originator_version bigint, event_id uuid, topic text, tenant text, aggregate_id text, correlation_id text, state bytea
) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(previous || '\x01'::bytea || int8send("position") || int8send(follows) || timestamptz_send(recorded_at)
        || uuid_send(originator_id) || int8send(originator_version) || uuid_send(event_id)
        || convert_to(topic, 'UTF8') || '\x00'::bytea || convert_to(tenant, 'UTF8') || '\x00'::bytea
        || convert_to(aggregate_id, 'UTF8') || '\x00'::bytea || convert_to(correlation_id, 'UTF8') || '\x00'::bytea
        || state)
$$;

-- Whoever inserts holds the log's lock, as annals.append_events does: what is last here stays the last.
CREATE OR REPLACE FUNCTION annals.describe_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event jsonb := convert_from(NEW.state, 'UTF8')::jsonb;
    last_position bigint;
    last_recorded timestamptz;
    last_hash bytea;
BEGIN
    NEW.event_id := event ->> 'event_id';
    NEW.tenant := event #>> '{metadata,tenant}';
    NEW.aggregate_id := event ->> 'aggregate_id';
    NEW.correlation_id := event ->> 'correlation_id';
    IF NEW.hash IS NOT NULL THEN
        -- From an archive, which says how it was chained.
        RETURN NEW;
    END IF;
    SELECT notification_id, recorded_at, hash INTO last_position, last_recorded, last_hash
        FROM annals.stored_events ORDER BY notification_id DESC LIMIT 1;
    NEW.recorded_at := greatest(coalesce(NEW.recorded_at, clock_timestamp()), last_recorded);
    IF last_position IS NULL THEN
        last_position := 0;
        last_hash := decode(repeat('00', 32), 'hex');
    ELSIF last_hash IS NULL THEN
        -- Those before are not chained yet; whoever chains them comes to this one.
        RETURN NEW;
    END IF;
    NEW.follows := last_position;
    NEW.hash := annals.chained(
        last_hash, NEW.notification_id, NEW.follows, NEW.recorded_at, NEW.originator_id, NEW.originator_version,
        NEW.event_id, NEW.topic, NEW.tenant, NEW.aggregate_id, NEW.correlation_id, NEW.state);
    RETURN NEW;
END $$;

-- The one way into the log. It speaks for the log's owner: a process needs no right but to call it.
CREATE FUNCTION annals.append_events(events annals.stored_event_uuid[])
    RETURNS TABLE ("position" bigint, recorded_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SET LOCAL lock_timeout = '10s';
    -- Positions become visible in their order, so that no reader passes over one.
    LOCK TABLE annals.stored_events IN EXCLUSIVE MODE;
    NOTIFY stored_events;
    RETURN QUERY INSERT INTO annals.stored_events AS t (originator_id, originator_version, topic, state)
        SELECT e.originator_id, e.originator_version, e.topic, e.state FROM unnest(events) AS e
        RETURNING t.notification_id, t.recorded_at;
END $$;

-- Chains at most so many events that are not chained yet, behind a position; returns the last one's, null where there
-- was none. A producer's time stands for the time of recording, but no event was recorded before the one in front of it
-- nor later than now.
CREATE FUNCTION annals.chain_events(behind bigint, most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    last annals.stored_events;
    next annals.stored_events;
    made timestamptz;
    done bigint;
BEGIN
    SELECT * INTO last FROM annals.stored_events WHERE notification_id <= behind ORDER BY notification_id DESC LIMIT 1;
    IF NOT FOUND THEN
        last.notification_id := 0;
        last.hash := decode(repeat('00', 32), 'hex');
    END IF;
    FOR next IN
        SELECT * FROM annals.stored_events WHERE notification_id > behind ORDER BY notification_id LIMIT most
    LOOP
        made := convert_from(next.state, 'UTF8')::jsonb ->> 'timestamp';
        next.recorded_at := greatest(coalesce(next.recorded_at, least(made, clock_timestamp())), last.recorded_at);
        next.follows := last.notification_id;
        next.hash := annals.chained(
            last.hash, next.notification_id, next.follows, next.recorded_at, next.originator_id,
            next.originator_version, next.event_id, next.topic, next.tenant, next.aggregate_id, next.correlation_id,
            next.state);
        UPDATE annals.stored_events SET recorded_at = next.recorded_at, follows = next.follows, hash = next.hash
            WHERE notification_id = next.notification_id;
        last := next;
        done := next.notification_id;
    END LOOP;
    RETURN done;
END $$;
