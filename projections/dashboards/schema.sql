CREATE SCHEMA IF NOT EXISTS dashboards;
GRANT USAGE ON SCHEMA dashboards TO annals_reader;
-- Which tenant a role that logs in reads.
CREATE TABLE IF NOT EXISTS dashboards.readers (
    role name PRIMARY KEY, tenant text NOT NULL, added_at timestamptz NOT NULL DEFAULT now());
-- The role that logged in, which SET ROLE does not change.
CREATE OR REPLACE FUNCTION dashboards.tenant() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    AS $$ SELECT tenant FROM dashboards.readers WHERE role = session_user $$;
-- Let readers see their tenant's rows of a live read model, and no others. Done for each generation as it becomes live.
CREATE OR REPLACE FUNCTION dashboards.share(live text) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE shared record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO annals_reader', live);
    FOR shared IN
        SELECT t.oid, t.relname AS name FROM pg_catalog.pg_class t
        WHERE t.relnamespace = live::regnamespace AND t.relkind = 'r' AND EXISTS (
            SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant')
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'readers')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY', live, shared.name);
        EXECUTE format('CREATE POLICY readers ON %I.%I FOR SELECT TO annals_reader '
            'USING (tenant = (SELECT dashboards.tenant()))', live, shared.name);
        EXECUTE format('GRANT SELECT ON %I.%I TO annals_reader', live, shared.name);
    END LOOP;
END $$;
