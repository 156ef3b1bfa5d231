-- A document that is restored is of a collection again, perhaps of another one than before.
DROP TRIGGER note_collection ON annals.stored_events;
CREATE TRIGGER note_collection AFTER INSERT ON annals.stored_events
    FOR EACH ROW WHEN (NEW.topic IN ('DocumentIngested', 'DocumentUpdated', 'DocumentRestored'))
    EXECUTE FUNCTION annals.note_collection();
