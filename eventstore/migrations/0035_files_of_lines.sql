-- Of which file a document is a line (attribute `line_of`), or was at the end; an empty text for none. Whoever follows a
-- folder finds by it what was taken in of a file of JSON Lines, where documents have ids of their own.
ALTER TABLE annals.document_collections ADD COLUMN file text NOT NULL DEFAULT '';

-- As `contracts.lines.file_of_line` says, of an event in the clear.
CREATE OR REPLACE FUNCTION annals.note_collection() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event jsonb := convert_from(NEW.state, 'UTF8')::jsonb;
    line_of jsonb := event #> '{event_data,attributes,line_of}';
BEGIN
    IF event #> '{event_data,sealed}' IS NULL THEN
        INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection, file)
            VALUES (NEW.originator_id, NEW.tenant, NEW.aggregate_id, annals.collection_of(event),
                CASE WHEN jsonb_typeof(line_of) = 'string' THEN line_of #>> '{}' ELSE '' END)
            ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection, file = excluded.file;
    END IF;
    RETURN NULL;
END $$;

-- As before, with the files of lines; processes of before name none. {"used": ids of the keys that sealed them, "keys": new
-- ones among them, "changes": of the master key, "documents", "questions": what is noted beside the events}.
CREATE OR REPLACE FUNCTION annals.append_events(events annals.stored_event_uuid[], sealed jsonb)
    RETURNS TABLE ("position" bigint, recorded_at timestamptz)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SET LOCAL lock_timeout = '10s';
    LOCK TABLE annals.stored_events IN EXCLUSIVE MODE;
    NOTIFY stored_events;
    -- Keys are destroyed under the same lock.
    IF sealed -> 'used' <> '[]' AND EXISTS (SELECT FROM annals.data_keys AS k
        JOIN jsonb_array_elements_text(sealed -> 'used') AS u ON k.key_id = u WHERE k.wrapped IS NULL) THEN
        RAISE EXCEPTION 'a data key was destroyed' USING ERRCODE = 'AN001';
    END IF;
    IF sealed -> 'keys' <> '[]' THEN
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('annals/master key', 0))
            OR (SELECT number FROM annals.master_key_changes) <> (sealed ->> 'changes')::bigint THEN
            RAISE EXCEPTION 'the master key was changed' USING ERRCODE = 'AN001';
        END IF;
        IF sealed @? '$.keys[*] ? (@.version > 1)' THEN
            UPDATE annals.data_keys AS k SET retired_at = clock_timestamp()
                FROM jsonb_to_recordset(sealed -> 'keys') AS n (tenant text, subject text)
                WHERE k.tenant = n.tenant AND k.subject = n.subject AND k.retired_at IS NULL;
        END IF;
        INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped)
            SELECT n.key_id, n.tenant, n.subject, n.master, decode(n.wrapped, 'base64')
            FROM jsonb_to_recordset(sealed -> 'keys')
                AS n (key_id text, tenant text, subject text, master text, wrapped text);
    END IF;
    IF sealed -> 'documents' <> '[]' THEN
        INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection, file)
            SELECT DISTINCT ON (n.originator_id)
                n.originator_id, n.tenant, n.document_id, n.collection, coalesce(n.file, '')
            FROM jsonb_to_recordset(sealed -> 'documents')
                AS n (number bigint, originator_id uuid, tenant text, document_id text, collection text, file text)
            ORDER BY n.originator_id, n.number DESC
            ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection, file = excluded.file;
    END IF;
    IF sealed -> 'questions' <> '[]' THEN
        INSERT INTO annals.question_documents (originator_id, tenant, document_id)
            SELECT n.originator_id, n.tenant, n.document_id FROM jsonb_to_recordset(sealed -> 'questions')
                AS n (originator_id uuid, tenant text, document_id text)
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY INSERT INTO annals.stored_events AS t (originator_id, originator_version, topic, state)
        SELECT e.originator_id, e.originator_version, e.topic, e.state FROM unnest(events) AS e
        RETURNING t.notification_id, t.recorded_at;
END $$;
REVOKE EXECUTE ON FUNCTION annals.append_events(annals.stored_event_uuid[], jsonb) FROM PUBLIC;
