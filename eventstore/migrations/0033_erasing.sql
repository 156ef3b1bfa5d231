-- Destroys all data keys of these streams, under the lock of whoever appends: what a key sealed that is destroyed is not
-- in the log afterwards. Returns how many there were.
CREATE FUNCTION annals.destroy_keys(of_tenant text, streams uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    destroyed bigint;
BEGIN
    SET LOCAL lock_timeout = '10s';
    LOCK TABLE annals.stored_events IN EXCLUSIVE MODE;
    UPDATE annals.data_keys SET wrapped = NULL, master = NULL, destroyed_at = clock_timestamp(),
        retired_at = coalesce(retired_at, clock_timestamp())
        WHERE tenant = of_tenant AND destroyed_at IS NULL
        AND subject IN (SELECT 'stream/' || stream FROM unnest(streams) AS stream);
    GET DIAGNOSTICS destroyed = ROW_COUNT;
    RETURN destroyed;
END $$;
REVOKE EXECUTE ON FUNCTION annals.destroy_keys(text, uuid[]) FROM PUBLIC;
