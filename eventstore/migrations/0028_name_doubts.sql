-- Entities whose assignment may stand in the log and not in annals.name_assignments: noted before their events are
-- appended, gone with the transaction that keeps what was decided. Whoever finds some decides on them anew.
CREATE TABLE annals.name_doubts (
    tenant text NOT NULL,
    entity_id text NOT NULL,
    PRIMARY KEY (tenant, entity_id)
);
