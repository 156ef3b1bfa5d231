-- The secret that a webhook had before, which signs beside the new one until that time.
ALTER TABLE annals.webhooks
    ADD COLUMN sealed_former_secret bytea,
    ADD COLUMN former_until timestamptz;
