-- The library made the table; what is asked of it beyond that. The columns are read from the event's own JSON, once.
ALTER TABLE annals.stored_events
    ADD COLUMN event_id uuid NOT NULL,
    ADD COLUMN tenant text NOT NULL,
    ADD COLUMN aggregate_id text NOT NULL,
    ADD COLUMN correlation_id text NOT NULL;

CREATE FUNCTION annals.describe_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event jsonb := convert_from(NEW.state, 'UTF8')::jsonb;
BEGIN
    NEW.event_id := event ->> 'event_id';
    NEW.tenant := event #>> '{metadata,tenant}';
    NEW.aggregate_id := event ->> 'aggregate_id';
    NEW.correlation_id := event ->> 'correlation_id';
    RETURN NEW;
END $$;

CREATE TRIGGER describe_event BEFORE INSERT ON annals.stored_events
    FOR EACH ROW EXECUTE FUNCTION annals.describe_event();

CREATE UNIQUE INDEX stored_events_event_id ON annals.stored_events (event_id);
CREATE INDEX stored_events_correlation ON annals.stored_events (tenant, correlation_id);
CREATE INDEX stored_events_type ON annals.stored_events (topic, notification_id);
