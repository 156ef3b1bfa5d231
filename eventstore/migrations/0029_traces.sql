-- A request's events are read in the order of the log, page by page.
CREATE INDEX stored_events_request ON annals.stored_events (tenant, correlation_id, notification_id);
DROP INDEX annals.stored_events_correlation;

-- When a consumer came to where it is; unknown of those that have not moved since.
ALTER TABLE annals.consumer_positions ADD COLUMN advanced_at timestamptz;
