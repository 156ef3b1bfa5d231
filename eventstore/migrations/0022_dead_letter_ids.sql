-- What a dead letter is called outside: a number that says nothing of others. `id` counts the letters of all tenants, and
-- stays the order in which they came.
CREATE FUNCTION annals.new_letter_id() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found bigint;
BEGIN
    LOOP
        found := 100000000000 + floor(random() * 900000000000)::bigint;
        EXIT WHEN NOT EXISTS (SELECT FROM annals.dead_letters WHERE public_id = found);
    END LOOP;
    RETURN found;
END $$;
ALTER TABLE annals.dead_letters ADD COLUMN public_id bigint;
UPDATE annals.dead_letters SET public_id = annals.new_letter_id();
ALTER TABLE annals.dead_letters
    ALTER COLUMN public_id SET NOT NULL,
    ALTER COLUMN public_id SET DEFAULT annals.new_letter_id(),
    ADD CONSTRAINT dead_letters_public_id UNIQUE (public_id);
