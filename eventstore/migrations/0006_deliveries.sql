-- A delivery is one sending of one document of one tenant: the same event id may come for another one.
ALTER TABLE annals.inbox_receipts
    DROP CONSTRAINT inbox_receipts_pkey,
    ADD COLUMN tenant text,
    ADD COLUMN document_id text;
-- What changed nothing left no event that could tell whose it was: such a receipt stands for any tenant and document.
UPDATE annals.inbox_receipts AS r SET tenant = e.tenant, document_id = e.aggregate_id
    FROM annals.stored_events AS e WHERE e.event_id = r.event_id;
CREATE UNIQUE INDEX inbox_receipts_delivery ON annals.inbox_receipts (event_id, tenant, document_id) NULLS NOT DISTINCT;
CREATE INDEX inbox_receipts_received ON annals.inbox_receipts (received_at);

-- An event id is unique within its aggregate: nobody's event can keep out another aggregate's.
DROP INDEX annals.stored_events_event_id;
CREATE UNIQUE INDEX stored_events_event_id ON annals.stored_events (event_id, originator_id);

-- Each inbox has a consumer of its own.
UPDATE annals.dead_letters SET consumer = 'inbox:' || topic WHERE consumer = 'inbox';
