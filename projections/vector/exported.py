"""The vector read model as a table of passages."""

from projections.exported import table

PASSAGES = table(
    "passages",
    "tenant text, document_id text, chunk_id text, index integer, title text, text text, start_at integer, "
    "end_at integer, model text, vector vector",
)
TABLES = {
    PASSAGES: "SELECT tenant, document_id, chunk_id, index, title, text, start_at, end_at, model, "
    "embedding::real[] AS vector FROM {schema}.passages WHERE tenant = $1 ORDER BY document_id, chunk_id",
}
"""With the rows of each, of the tenant $1."""
