-- The log's own name, by which databases beside it know whose read models they hold. A copy by export and import is
-- another log; a dump that is restored is the same one.
CREATE TABLE annals.identity (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    log uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO annals.identity DEFAULT VALUES;
