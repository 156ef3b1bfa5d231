-- One node for each entity that a passage names or is about, that a relation speaks of, or that a person decided on. The
-- most frequent name wins, in a tie the first by its bytes. The markers are replaced by a join with the entities that
-- changed, or by nothing.
INSERT INTO {schema}.entities (tenant, entity_id, name, type, passages, merged_into, valid)
SELECT
    tenant, entity_id, coalesce(d.name, n.name, entity_id), coalesce(d.type, n.type), coalesce(n.passages, 0),
    d.merged_into, d.valid
FROM (
    SELECT
        tenant, entity_id,
        mode() WITHIN GROUP (ORDER BY name COLLATE "C") AS name,
        mode() WITHIN GROUP (ORDER BY type COLLATE "C") AS type,
        count(DISTINCT chunk_id) AS passages
    FROM (
        SELECT m.tenant, m.entity_id, m.name, m.type, m.chunk_id FROM {schema}.mentions AS m /* touched m.entity_id */
        UNION ALL
        SELECT a.tenant, a.entity_id, a.name, NULL, a.chunk_id FROM {schema}.abouts AS a /* touched a.entity_id */
        UNION ALL
        SELECT s.tenant, s.subject_id, s.subject, NULL, s.chunk_id FROM {schema}.relations AS s
            /* touched s.subject_id */
        UNION ALL
        SELECT o.tenant, o.object_id, o.object, NULL, o.chunk_id FROM {schema}.relations AS o
            /* touched o.object_id */
    ) AS named
    GROUP BY tenant, entity_id
) AS n
FULL JOIN (
    SELECT d.tenant, d.entity_id, d.name, d.type, d.merged_into, d.valid FROM {schema}.decisions AS d
        /* touched d.entity_id */
) AS d USING (tenant, entity_id)
