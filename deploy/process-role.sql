-- Rights for the role `annals_process`, which adds to the log and reads it, but changes and removes nothing of it.
-- Run it as the log's owner in its database, once the log was made, and again after each upgrade; the role is made before:
--   CREATE ROLE annals_process LOGIN PASSWORD '...';
DO $$ BEGIN EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO annals_process', current_database()); END $$;
GRANT USAGE ON SCHEMA annals TO annals_process;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA annals TO annals_process;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA annals TO annals_process;
-- The log takes events through its function alone, which locks, orders and chains them.
REVOKE ALL ON annals.stored_events FROM annals_process;
REVOKE ALL ON SEQUENCE annals.stored_events_notification_id_seq FROM annals_process;
GRANT SELECT ON annals.stored_events TO annals_process;
GRANT EXECUTE ON FUNCTION annals.append_events(annals.stored_event_uuid[]) TO annals_process;
GRANT EXECUTE ON FUNCTION annals.append_events(annals.stored_event_uuid[], jsonb) TO annals_process;
GRANT EXECUTE ON FUNCTION annals.append_events(uuid[], bigint[], text[], bytea[], jsonb) TO annals_process;
GRANT EXECUTE ON FUNCTION annals.append_events(uuid[], bigint[], text[], bytea[], text[], text[], text[], bytea[], bigint,
    text[], boolean, text[], text[], text[], jsonb) TO annals_process;
GRANT EXECUTE ON FUNCTION annals.destroy_keys(text, uuid[]) TO annals_process;
-- What vouches for the log is added to as well, and what says what the database is stays as it is.
REVOKE ALL ON annals.checkpoints, annals.checkpoint_keys, annals.migrations, annals.identity, annals.log_secret
    FROM annals_process;
GRANT SELECT, INSERT ON annals.checkpoints, annals.checkpoint_keys, annals.log_secret TO annals_process;
GRANT SELECT ON annals.migrations, annals.identity TO annals_process;
