-- The audit log: one chain a tenant; the chain of no tenant is named by an empty text. Nobody rewrites it.
CREATE TABLE annals.audit_chains (
    tenant text PRIMARY KEY,
    -- Number, time and hash of the last entry.
    sequence bigint NOT NULL DEFAULT 0,
    at timestamptz NOT NULL DEFAULT '-infinity',
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    -- Entries up to this one were removed by retention; the hash is the last one's.
    pruned_to bigint NOT NULL DEFAULT 0,
    pruned_hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    CHECK (pruned_to <= sequence)
);
CREATE TABLE annals.audit_log (
    tenant text NOT NULL,
    sequence bigint NOT NULL,
    id uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    category text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    object_id text NOT NULL,
    outcome text NOT NULL,
    reason text NOT NULL,
    credential text NOT NULL,
    address text NOT NULL,
    request_id text NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant, sequence)
);
CREATE INDEX audit_log_actor ON annals.audit_log (tenant, actor, sequence);
CREATE INDEX audit_log_object ON annals.audit_log (tenant, object_id, sequence) WHERE object_id <> '';

CREATE FUNCTION annals.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Retention says first, in the chain, how far it removes.
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF OLD.sequence <= (SELECT pruned_to FROM annals.audit_chains WHERE tenant = OLD.tenant) THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON annals.audit_log
    FOR EACH ROW EXECUTE FUNCTION annals.refuse_audit_change();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON annals.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION annals.refuse_audit_change();
CREATE TRIGGER audit_chains_no_truncate BEFORE DELETE OR TRUNCATE ON annals.audit_chains
    FOR EACH STATEMENT EXECUTE FUNCTION annals.refuse_audit_change();

CREATE FUNCTION annals.refuse_chain_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tenant <> OLD.tenant OR NEW.sequence < OLD.sequence OR NEW.at < OLD.at OR NEW.pruned_to < OLD.pruned_to
        OR (NEW.sequence = OLD.sequence AND NEW.hash <> OLD.hash) THEN
        RAISE EXCEPTION 'an audit chain only grows' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER audit_chains_grow BEFORE UPDATE ON annals.audit_chains
    FOR EACH ROW EXECUTE FUNCTION annals.refuse_chain_change();
