-- As annals.append_events of before, which processes of before go on calling, with a column of values for each column of
-- the events: nothing is spelled as text. `beside` is null where there is nothing beside the events; otherwise it has what
-- there is of {"used": ids of the keys that sealed them, "keys": new ones among them, "changes": of the master key,
-- "again": some of the new ones are of aggregates that had others, "documents", "questions": what is noted, once each}.
CREATE FUNCTION annals.append_events(
    originator_ids uuid[], originator_versions bigint[], topics text[], states bytea[], beside jsonb
) RETURNS TABLE ("position" bigint, recorded_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SET LOCAL lock_timeout = '10s';
    -- Positions become visible in their order, so that no reader passes over one.
    LOCK TABLE annals.stored_events IN EXCLUSIVE MODE;
    NOTIFY stored_events;
    IF beside IS NOT NULL THEN
        -- Keys are destroyed under the same lock.
        IF beside ? 'used' AND EXISTS (SELECT FROM annals.data_keys AS k
            WHERE k.key_id = ANY(ARRAY(SELECT jsonb_array_elements_text(beside -> 'used'))) AND k.wrapped IS NULL) THEN
            RAISE EXCEPTION 'a data key was destroyed' USING ERRCODE = 'AN001';
        END IF;
        IF beside ? 'keys' THEN
            IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('annals/master key', 0))
                OR (SELECT number FROM annals.master_key_changes) <> (beside ->> 'changes')::bigint THEN
                RAISE EXCEPTION 'the master key was changed' USING ERRCODE = 'AN001';
            END IF;
            IF beside ? 'again' THEN
                UPDATE annals.data_keys AS k SET retired_at = clock_timestamp()
                    FROM jsonb_to_recordset(beside -> 'keys') AS n (tenant text, subject text)
                    WHERE k.tenant = n.tenant AND k.subject = n.subject AND k.retired_at IS NULL;
            END IF;
            INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped)
                SELECT n.key_id, n.tenant, n.subject, n.master, decode(n.wrapped, 'base64')
                FROM jsonb_to_recordset(beside -> 'keys')
                    AS n (key_id text, tenant text, subject text, master text, wrapped text);
        END IF;
        IF beside ? 'documents' THEN
            INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection, file)
                SELECT n.originator_id, n.tenant, n.document_id, n.collection, n.file
                FROM jsonb_to_recordset(beside -> 'documents')
                    AS n (originator_id uuid, tenant text, document_id text, collection text, file text)
                ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection, file = excluded.file;
        END IF;
        IF beside ? 'questions' THEN
            INSERT INTO annals.question_documents (originator_id, tenant, document_id)
                SELECT n.originator_id, n.tenant, n.document_id FROM jsonb_to_recordset(beside -> 'questions')
                    AS n (originator_id uuid, tenant text, document_id text)
                ON CONFLICT DO NOTHING;
        END IF;
    END IF;
    RETURN QUERY INSERT INTO annals.stored_events AS t (originator_id, originator_version, topic, state)
        SELECT e.originator_id, e.originator_version, e.topic, e.state
        FROM unnest(originator_ids, originator_versions, topics, states)
            AS e (originator_id, originator_version, topic, state)
        RETURNING t.notification_id, t.recorded_at;
END $$;
REVOKE EXECUTE ON FUNCTION annals.append_events(uuid[], bigint[], text[], bytea[], jsonb) FROM PUBLIC;

-- What a sealed event is of is noted by whoever appends: the trigger need not read it once more to see that.
DROP TRIGGER note_collection ON annals.stored_events;
CREATE TRIGGER note_collection AFTER INSERT ON annals.stored_events
    FOR EACH ROW WHEN (NEW.topic IN ('DocumentIngested', 'DocumentUpdated', 'DocumentRestored')
        AND NEW.aggregate_id <> NEW.originator_id::text)
    EXECUTE FUNCTION annals.note_collection();
