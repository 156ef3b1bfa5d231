"""Entities in PostgreSQL, as they follow from what documents say and what people decided.

One row for each entity that a document names or a person decided on. The most frequent name wins, in a tie the first by
its bytes; what a person decided comes before that.
"""

from projections.postgres.layout import Layout


def derivation(layout: Layout, schema: str, *, touched: bool) -> str:
    """The INSERT of a schema's entities: of all, or of those touched, whose tenants ($1) and ids ($2) it is given."""

    def rows(table: str, column: str) -> str:
        wanted = f"JOIN unnest($1::text[], $2::text[]) AS k(tenant, id) ON k.tenant = t.tenant AND k.id = t.{column}"
        return f"FROM {schema}.{table} AS t {wanted if touched else ''}"

    named = " UNION ALL ".join(
        f"SELECT t.tenant, t.{one.id} AS entity_id, t.{one.name} AS name, "
        f"{f't.{one.type}' if one.type else 'NULL'} AS type, t.document_id, t.chunk_id {rows(one.table, one.id)}"
        for one in layout.names
    )
    return f"""
        INSERT INTO {schema}.entities (tenant, entity_id, name, type, merged_into, valid, {", ".join(layout.counts)})
        SELECT
            tenant, entity_id, coalesce(d.name, n.name, entity_id), coalesce(d.type, n.type), d.merged_into, d.valid,
            {", ".join(f"coalesce(n.{count}, 0)" for count in layout.counts)}
        FROM (
            SELECT
                tenant, entity_id,
                mode() WITHIN GROUP (ORDER BY name COLLATE "C") AS name,
                mode() WITHIN GROUP (ORDER BY type COLLATE "C") AS type,
                {", ".join(f"{counted} AS {count}" for count, counted in layout.counts.items())}
            FROM ({named}) AS named
            GROUP BY tenant, entity_id
        ) AS n
        FULL JOIN (
            SELECT t.tenant, t.entity_id, t.name, t.type, t.merged_into, t.valid {rows("decisions", "entity_id")}
        ) AS d USING (tenant, entity_id)
    """
