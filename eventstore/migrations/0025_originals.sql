-- The bytes that a document was read from, kept where somebody asks for it, and gone with the document.
CREATE TABLE annals.originals (
    tenant text NOT NULL,
    document_id text NOT NULL,
    digest bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant, document_id, digest)
);
-- They are compressed by themselves, most of them.
ALTER TABLE annals.originals ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE FUNCTION annals.forget_originals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM annals.originals WHERE tenant = NEW.tenant AND document_id = NEW.aggregate_id;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_originals AFTER INSERT ON annals.stored_events
    FOR EACH ROW WHEN (NEW.topic = 'DocumentDeleted')
    EXECUTE FUNCTION annals.forget_originals();
