-- Of which collection each document is, or was at the end; an empty text for none. Whoever may see the documents of some
-- collections alone is kept to them by this, also where no read model has a document yet, or any more.
CREATE TABLE annals.document_collections (
    originator_id uuid PRIMARY KEY,
    tenant text NOT NULL,
    document_id text NOT NULL,
    collection text NOT NULL);
CREATE UNIQUE INDEX document_collections_document ON annals.document_collections (tenant, document_id);

-- As `contracts.access.collection_of` says.
CREATE FUNCTION annals.collection_of(event jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(event #> '{event_data,attributes,collection}') = 'string'
        THEN event #>> '{event_data,attributes,collection}' ELSE '' END $$;

CREATE FUNCTION annals.note_collection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection)
        VALUES (NEW.originator_id, NEW.tenant, NEW.aggregate_id,
            annals.collection_of(convert_from(NEW.state, 'UTF8')::jsonb))
        ON CONFLICT (originator_id) DO UPDATE SET collection = excluded.collection;
    RETURN NULL;
END $$;
CREATE TRIGGER note_collection AFTER INSERT ON annals.stored_events
    FOR EACH ROW WHEN (NEW.topic IN ('DocumentIngested', 'DocumentUpdated'))
    EXECUTE FUNCTION annals.note_collection();

INSERT INTO annals.document_collections (originator_id, tenant, document_id, collection)
    SELECT DISTINCT ON (originator_id) originator_id, tenant, aggregate_id,
        annals.collection_of(convert_from(state, 'UTF8')::jsonb)
    FROM annals.stored_events WHERE topic IN ('DocumentIngested', 'DocumentUpdated')
    ORDER BY originator_id, originator_version DESC;
