-- What a short append spends its time on is made less.

-- A condition of a trigger is read from the catalogue with every statement; one of plpgsql is read once a session.
DROP TRIGGER note_collection ON annals.stored_events;
DROP TRIGGER note_question ON annals.stored_events;
DROP TRIGGER forget_originals ON annals.stored_events;
DROP FUNCTION annals.note_collection(), annals.note_question(), annals.forget_originals();

-- What is noted beside an event in the clear, and what goes with a document. What sealed events are of, whoever appends
-- says: their aggregate is called by its stream.
CREATE FUNCTION annals.note_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event jsonb;
    line_of jsonb;
BEGIN
    IF NEW.topic IN ('DocumentIngested', 'DocumentUpdated', 'DocumentRestored') THEN
        IF NEW.aggregate_id <> NEW.originator_id::text THEN
            event := convert_from(NEW.state, 'UTF8')::jsonb;
            IF event #> '{event_data,sealed}' IS NULL THEN
                -- As `contracts.lines.file_of_line` says.
                line_of := event #> '{event_data,attributes,line_of}';
                INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection, file)
                    VALUES (NEW.originator_id, NEW.tenant, NEW.aggregate_id, annals.collection_of(event),
                        CASE WHEN jsonb_typeof(line_of) = 'string' THEN line_of #>> '{}' ELSE '' END)
                    ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection, file = excluded.file;
            END IF;
        END IF;
    ELSIF NEW.topic = 'ReasoningQueryExecuted' THEN
        INSERT INTO annals.question_documents (originator_id, tenant, document_id)
            SELECT DISTINCT NEW.originator_id, NEW.tenant, one #>> '{}'
            FROM jsonb_path_query(convert_from(NEW.state, 'UTF8')::jsonb, '$.event_data.*[*].document_id') AS one
            ON CONFLICT DO NOTHING;
    ELSIF NEW.topic = 'DocumentDeleted' THEN
        DELETE FROM annals.originals AS o USING annals.document_collections AS c
            WHERE c.originator_id = NEW.originator_id AND o.tenant = c.tenant AND o.document_id = c.document_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note_event AFTER INSERT ON annals.stored_events FOR EACH ROW EXECUTE FUNCTION annals.note_event();

-- A new key is in one index by its subject rather than in two. Who looks for a subject's retired keys says so.
CREATE INDEX data_keys_retired ON annals.data_keys (tenant, subject) WHERE retired_at IS NOT NULL;
DROP INDEX annals.data_keys_subject;

-- What is destroyed is retired as well.
CREATE OR REPLACE FUNCTION annals.destroy_keys(of_tenant text, streams uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    subjects text[] := ARRAY(SELECT 'stream/' || stream FROM unnest(streams) AS stream);
    destroyed bigint;
BEGIN
    SET LOCAL lock_timeout = '10s';
    LOCK TABLE annals.stored_events IN EXCLUSIVE MODE;
    UPDATE annals.data_keys SET wrapped = NULL, master = NULL, destroyed_at = clock_timestamp(),
        retired_at = coalesce(retired_at, clock_timestamp())
        WHERE (tenant = of_tenant AND subject = ANY(subjects) AND retired_at IS NULL
            OR tenant = of_tenant AND subject = ANY(subjects) AND retired_at IS NOT NULL) AND destroyed_at IS NULL;
    GET DIAGNOSTICS destroyed = ROW_COUNT;
    RETURN destroyed;
END $$;

-- As annals.append_events of before, which processes of before go on calling, with a column of values for all that an
-- event has beside it: nothing is spelled as JSON but what a question rests on. Null where no event has it.
-- `key_ids`, `masters`, `wrapped`: the new key of an event's stream, once for a stream; `changes`: of the master key.
-- `used`: ids of the keys of before that sealed some of them; `again`: some of the new ones are of aggregates that may
-- have others. `document_ids`, `collections`, `files`: once for a stream. The caller bounds its wait for the lock.
CREATE FUNCTION annals.append_events(
    originator_ids uuid[], originator_versions bigint[], topics text[], states bytea[], tenants text[],
    key_ids text[], masters text[], wrapped bytea[], changes bigint, used text[], again boolean,
    document_ids text[], collections text[], files text[], questions jsonb
) RETURNS TABLE ("position" bigint, recorded_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Positions become visible in their order, so that no reader passes over one.
    LOCK TABLE annals.stored_events IN EXCLUSIVE MODE;
    NOTIFY stored_events;
    -- Keys are destroyed under the same lock.
    IF used IS NOT NULL THEN
        PERFORM FROM annals.data_keys AS k WHERE k.key_id = ANY(used) AND k.wrapped IS NULL;
        IF FOUND THEN
            RAISE EXCEPTION 'a data key was destroyed' USING ERRCODE = 'AN001';
        END IF;
    END IF;
    IF key_ids IS NOT NULL THEN
        -- Held before the number is read: it does not change any more.
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('annals/master key', 0)) THEN
            RAISE EXCEPTION 'the master key was changed' USING ERRCODE = 'AN001';
        END IF;
        IF again THEN
            UPDATE annals.data_keys AS k SET retired_at = clock_timestamp()
                FROM unnest(originator_ids, tenants, key_ids) AS n (originator_id, tenant, key_id)
                WHERE n.key_id IS NOT NULL AND k.tenant = n.tenant AND k.subject = 'stream/' || n.originator_id
                AND k.retired_at IS NULL;
        END IF;
        INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped)
            SELECT n.key_id, n.tenant, 'stream/' || n.originator_id, n.master, n.wrapped
            FROM unnest(originator_ids, tenants, key_ids, masters, append_events.wrapped)
                AS n (originator_id, tenant, key_id, master, wrapped)
            WHERE n.key_id IS NOT NULL AND changes = (SELECT number FROM annals.master_key_changes);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the master key was changed' USING ERRCODE = 'AN001';
        END IF;
    END IF;
    IF document_ids IS NOT NULL THEN
        INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection, file)
            SELECT n.originator_id, n.tenant, n.document_id, n.collection, n.file
            FROM unnest(originator_ids, tenants, document_ids, collections, files)
                AS n (originator_id, tenant, document_id, collection, file)
            WHERE n.document_id IS NOT NULL
            ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection, file = excluded.file;
    END IF;
    IF questions IS NOT NULL THEN
        INSERT INTO annals.question_documents (originator_id, tenant, document_id)
            SELECT n.originator_id, n.tenant, n.document_id FROM jsonb_to_recordset(questions)
                AS n (originator_id uuid, tenant text, document_id text)
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY INSERT INTO annals.stored_events AS t (originator_id, originator_version, topic, state)
        SELECT e.originator_id, e.originator_version, e.topic, e.state
        FROM unnest(originator_ids, originator_versions, topics, states)
            AS e (originator_id, originator_version, topic, state)
        RETURNING t.notification_id, t.recorded_at;
END $$;
REVOKE EXECUTE ON FUNCTION annals.append_events(uuid[], bigint[], text[], bytea[], text[], text[], text[], bytea[], bigint,
    text[], boolean, text[], text[], text[], jsonb) FROM PUBLIC;
