-- Whether a question's answer rests on documents of some collections alone: its sources, steps and candidates name them.
-- One that rests on none may be about any.
CREATE FUNCTION annals.rests_within(of_tenant text, event jsonb, within text[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_and(EXISTS (
        SELECT FROM annals.document_collections AS c
        WHERE c.tenant = of_tenant AND c.document_id = named.id AND c.collection = ANY(within))), false)
    FROM (SELECT DISTINCT one #>> '{}' AS id FROM jsonb_path_query(event, '$.event_data.*[*].document_id') AS one) AS named
$$;
