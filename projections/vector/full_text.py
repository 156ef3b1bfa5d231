"""A full-text search over passages in PostgreSQL."""

from collections.abc import Sequence

from eventstore.pool import Connection
from projections.vector.bm25 import best_matching, best_with
from projections.vector.reads import Hit
from projections.vector.text_query import Literal, TextQuery

# By the primary key, so that it reads no more than it gives and what it passes over.
_ALIKE = """
SELECT chunk_id FROM vector.passages
WHERE tenant = $1 AND ($3::text[] IS NULL OR document_id = ANY($3)) {absent} ORDER BY chunk_id LIMIT $2
"""


async def full_text(
    connection: Connection, tenant: str, query: TextQuery, k: int, documents: Sequence[str] | None
) -> list[Hit]:
    """The `k` best that pass, in a tie by chunk id."""
    if k < 1:
        return []
    absent = " | ".join(map(_tsquery, query.absent)) or None
    if query.present:
        present = " & ".join(map(_tsquery, query.present))
        return await best_with(connection, tenant, present, query.ranking, k, documents, absent)
    if query.ranking:
        return await best_matching(connection, tenant, query.ranking, k, documents, absent)
    statement = _ALIKE.format(absent="" if absent is None else "AND NOT literal @@ $4::tsquery")
    among = None if documents is None else list(documents)
    rows = await connection.fetch(statement, tenant, k, among, *([] if absent is None else [absent]))
    return [Hit(row["chunk_id"], 0.0) for row in rows]


def _tsquery(literal: Literal) -> str:
    """Its words are letters and digits alone, so that quotes hold them."""
    if literal.prefix:
        return f"'{literal.words[0]}':*"
    return "(" + " <-> ".join(f"'{word}'" for word in literal.words) + ")"
