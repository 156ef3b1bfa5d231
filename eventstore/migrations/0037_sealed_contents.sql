-- Texts and originals are sealed with a data key of their document (`eventstore.sealed_contents`); a row without a key is
-- of before, in the clear. Of a sealed one `digest` is what follows from the digest of its content, and says nothing of it.
ALTER TABLE annals.texts ADD COLUMN key_id text;
ALTER TABLE annals.originals ADD COLUMN key_id text;
CREATE INDEX texts_clear ON annals.texts (tenant) WHERE key_id IS NULL;
CREATE INDEX originals_clear ON annals.originals (tenant) WHERE key_id IS NULL;

-- Stores the new ones of the keys that seal what the same statement stores, and holds all of them against destruction:
-- {"used": ids, "keys": the new ones among them, "changes": of the master key}.
CREATE FUNCTION annals.use_keys(sealed jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    used bigint;
BEGIN
    IF sealed -> 'keys' <> '[]' THEN
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended('annals/master key', 0))
            OR (SELECT number FROM annals.master_key_changes) <> (sealed ->> 'changes')::bigint THEN
            RAISE EXCEPTION 'the master key was changed' USING ERRCODE = 'AN001';
        END IF;
        UPDATE annals.data_keys AS k SET retired_at = clock_timestamp()
            FROM jsonb_to_recordset(sealed -> 'keys') AS n (tenant text, subject text)
            WHERE k.tenant = n.tenant AND k.subject = n.subject AND k.retired_at IS NULL;
        BEGIN
            INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped)
                SELECT n.key_id, n.tenant, n.subject, n.master, decode(n.wrapped, 'base64')
                FROM jsonb_to_recordset(sealed -> 'keys')
                    AS n (key_id text, tenant text, subject text, master text, wrapped text);
        EXCEPTION WHEN unique_violation THEN
            RAISE EXCEPTION 'somebody else made a data key' USING ERRCODE = 'AN001';
        END;
    END IF;
    SELECT count(*) INTO used FROM (
        SELECT FROM annals.data_keys WHERE wrapped IS NOT NULL
            AND key_id IN (SELECT jsonb_array_elements_text(sealed -> 'used')) ORDER BY key_id FOR SHARE) AS held;
    IF used <> jsonb_array_length(sealed -> 'used') THEN
        RAISE EXCEPTION 'a data key was destroyed' USING ERRCODE = 'AN001';
    END IF;
    RETURN used;
END $$;

-- Model outputs are sealed with what follows from the digest of the text that they are of (`eventstore.outputs`).
ALTER TABLE annals.model_outputs ADD COLUMN sealed boolean NOT NULL DEFAULT false;
CREATE INDEX model_outputs_clear ON annals.model_outputs (model) WHERE NOT sealed;
