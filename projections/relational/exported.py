"""The relational read model as tables: those that dashboards see."""

from projections.exported import table

TABLES = {
    table(
        "documents",
        "tenant text, document_id text, title text, uri text, attributes json, characters integer, bytes integer, "
        "taken_at time, stage text, since time",
    ): "SELECT d.tenant, d.document_id, d.title, d.uri, d.attributes, d.characters, d.bytes, d.taken_at, s.stage, "
    "s.since FROM {schema}.documents AS d LEFT JOIN {schema}.states AS s "
    "ON s.tenant = d.tenant AND s.document_id = d.document_id WHERE d.tenant = $1 ORDER BY d.document_id",
    table(
        "chunks",
        "tenant text, document_id text, chunk_id text, index integer, start_at integer, end_at integer, tokens integer",
    ): "SELECT tenant, document_id, chunk_id, index, start_at, end_at, tokens FROM {schema}.chunks "
    "WHERE tenant = $1 ORDER BY document_id, index, chunk_id",
    table(
        "entities",
        "tenant text, entity_id text, name text, type text, mentions integer, documents integer, merged_into text, "
        "valid boolean",
    ): "SELECT tenant, entity_id, name, type, mentions, documents, merged_into, valid FROM {schema}.entities "
    "WHERE tenant = $1 ORDER BY entity_id",
    table(
        "mentions",
        "tenant text, document_id text, chunk_id text, entity_id text, name text, type text, start_at integer, "
        "end_at integer, confidence number",
    ): "SELECT tenant, document_id, chunk_id, entity_id, name, type, start_at, end_at, confidence "
    "FROM {schema}.mentions WHERE tenant = $1 ORDER BY document_id, start_at, end_at, entity_id",
    table(
        "relations",
        "tenant text, document_id text, chunk_id text, relation_id text, subject_id text, subject text, "
        "predicate text, object_id text, object text, start_at integer, end_at integer, confidence number, "
        "valid boolean",
    ): "SELECT tenant, document_id, chunk_id, relation_id, subject_id, subject, predicate, object_id, object, "
    "start_at, end_at, confidence, valid FROM {schema}.relations WHERE tenant = $1 AND NOT negated "
    "ORDER BY document_id, start_at, relation_id",
    table(
        "questions",
        "tenant text, query_id text, question text, answered boolean, confidence number, cached boolean, "
        "milliseconds integer, asked_at time",
    ): "SELECT tenant, query_id, question, answered, confidence, cached, milliseconds, asked_at "
    "FROM {schema}.queries WHERE tenant = $1 ORDER BY asked_at, query_id",
}
"""With the rows of each, of the tenant $1."""
