-- Events that the relay publishes once more, since the document that they are of stands still.
CREATE TABLE annals.reprocess_requests (position bigint PRIMARY KEY);
