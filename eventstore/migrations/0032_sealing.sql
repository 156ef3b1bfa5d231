-- What events say of documents is sealed, each aggregate's with a data key of its own (`eventstore.sealed_events`). What
-- has to be found by it all the same is noted beside them, in tables whose rows go when the key goes.

-- Which documents an answer rests on.
CREATE TABLE annals.question_documents (
    originator_id uuid NOT NULL,
    tenant text NOT NULL,
    document_id text NOT NULL,
    PRIMARY KEY (originator_id, document_id)
);
CREATE INDEX question_documents_document ON annals.question_documents (tenant, document_id);
INSERT INTO annals.question_documents (originator_id, tenant, document_id)
    SELECT DISTINCT e.originator_id, e.tenant, one #>> '{}' FROM annals.stored_events AS e,
        jsonb_path_query(convert_from(e.state, 'UTF8')::jsonb, '$.event_data.*[*].document_id') AS one
    WHERE e.topic = 'ReasoningQueryExecuted';

-- Whether a question's answer rests on documents of some collections alone. One that rests on none may be about any.
CREATE FUNCTION annals.question_rests_within(question uuid, within text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(EXISTS (
        SELECT FROM annals.document_collections AS c
        WHERE c.tenant = q.tenant AND c.document_id = q.document_id AND c.collection = ANY(within))), false)
    FROM annals.question_documents AS q WHERE q.originator_id = question
$$;

-- Of events that are in the clear; of sealed ones, whoever appends says it.
CREATE FUNCTION annals.note_question() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annals.question_documents (originator_id, tenant, document_id)
        SELECT DISTINCT NEW.originator_id, NEW.tenant, one #>> '{}'
        FROM jsonb_path_query(convert_from(NEW.state, 'UTF8')::jsonb, '$.event_data.*[*].document_id') AS one
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER note_question AFTER INSERT ON annals.stored_events
    FOR EACH ROW WHEN (NEW.topic = 'ReasoningQueryExecuted')
    EXECUTE FUNCTION annals.note_question();

CREATE OR REPLACE FUNCTION annals.note_collection() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    event jsonb := convert_from(NEW.state, 'UTF8')::jsonb;
BEGIN
    IF event #> '{event_data,sealed}' IS NULL THEN
        INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection)
            VALUES (NEW.originator_id, NEW.tenant, NEW.aggregate_id, annals.collection_of(event))
            ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection;
    END IF;
    RETURN NULL;
END $$;

-- A sealed event does not say of which document it is.
CREATE OR REPLACE FUNCTION annals.forget_originals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annals.originals AS o USING annals.document_collections AS c
        WHERE c.originator_id = NEW.originator_id AND o.tenant = c.tenant AND o.document_id = c.document_id;
    RETURN NULL;
END $$;

-- How often the master key was changed. Whoever wrapped a key before such a change wraps it anew.
CREATE TABLE annals.master_key_changes (number bigint NOT NULL);
INSERT INTO annals.master_key_changes VALUES (0);

-- As annals.append_events, of events of which some are sealed: {"used": ids of the keys that sealed them, "keys": new
-- ones among them, "changes": of the master key, "documents", "questions": what is noted beside the events}.
CREATE FUNCTION annals.append_events(events annals.stored_event_uuid[], sealed jsonb)
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
        INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection)
            SELECT DISTINCT ON (n.originator_id) n.originator_id, n.tenant, n.document_id, n.collection
            FROM jsonb_to_recordset(sealed -> 'documents')
                AS n (number bigint, originator_id uuid, tenant text, document_id text, collection text)
            ORDER BY n.originator_id, n.number DESC
            ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection;
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
