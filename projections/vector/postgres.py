"""Passages in PostgreSQL: pgvector's HNSW for meaning, a GIN index with BM25 for words."""

from collections.abc import Iterable, Sequence

import numpy as np

from eventstore.pool import Connection, PostgresPool, acquire, transaction
from projections.changes import Change
from projections.postgres.layout import Layout
from projections.postgres.live import LivePostgresStore
from projections.postgres.snapshot import LIMIT_S
from projections.postgres.store import PostgresStore
from projections.vector.model import LAYOUT
from projections.vector.reads import Hit, Passage, Vector

SEARCH_SETTINGS = {"hnsw.ef_search": "100", "hnsw.iterative_scan": "strict_order"}
"""For the pool: wide enough a search, going on where a tenant's own rows are rare among the neighbours."""

DEFAULT_DIMENSION = 384

# Okapi BM25 (Robertson and Zaragoza 2009), k1 = 1.2, b = 0.75. The disjunction finds every passage that has one of
# the words, so counting those that have a word among them counts them in the whole collection.
_MATCHING = """
WITH terms AS (
    SELECT lexeme FROM unnest(to_tsvector('english', $2)) AS t(lexeme, positions, weights)
), total AS (
    SELECT count(*)::float8 AS n, greatest(avg(length), 1)::float8 AS mean FROM vector.passages WHERE tenant = $1
), hits AS (
    SELECT p.chunk_id, p.length, w.lexeme, greatest(cardinality(w.positions), 1)::float8 AS tf
    FROM vector.passages AS p
    CROSS JOIN LATERAL unnest(p.words) AS w(lexeme, positions, weights)
    JOIN terms ON terms.lexeme = w.lexeme
    WHERE p.tenant = $1
    AND p.words @@ (
        SELECT string_agg('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery
        FROM terms
    )
), frequencies AS (
    SELECT lexeme, ln(1 + (total.n - count(*) + 0.5) / (count(*) + 0.5)) AS idf
    FROM hits, total GROUP BY lexeme, total.n
)
SELECT h.chunk_id, sum(f.idf * h.tf * 2.2 / (h.tf + 1.2 * (0.25 + 0.75 * h.length / total.mean))) AS score
FROM hits AS h JOIN frequencies AS f USING (lexeme), total
GROUP BY h.chunk_id ORDER BY score DESC, h.chunk_id LIMIT $3
"""

_PASSAGE = "SELECT chunk_id, document_id, title, text, start_at, end_at FROM vector.passages"


class VectorStore(LivePostgresStore):
    """Has an index for vectors of each dimension, and adds one when vectors of a new dimension come in."""

    def __init__(self, pool: PostgresPool, layout: Layout = LAYOUT, schema: str | None = None) -> None:
        super().__init__(pool, layout, schema)
        self._indexed = {DEFAULT_DIMENSION}

    async def index(self, connection: Connection) -> None:
        """Those of the vectors too."""
        await super().index(connection)
        rows = await connection.fetch(f"SELECT DISTINCT dimension FROM {self.schema}.passages")
        await self._index_vectors(connection, {DEFAULT_DIMENSION, *(row["dimension"] for row in rows)})

    async def _replace(self, connection: Connection, changes: Sequence[Change]) -> None:
        await super()._replace(connection, changes)
        index = LAYOUT.table("passages").columns.index("dimension")
        new = {row[index] for change in changes for row in change.sections.get("passages", ())} - self._indexed
        if new:
            await self._index_vectors(connection, new)
            self._indexed |= new

    async def _index_vectors(self, connection: Connection, dimensions: Iterable[int]) -> None:
        for size in map(int, sorted(dimensions)):
            await connection.execute(
                f"CREATE INDEX IF NOT EXISTS embedding_{size} ON {self.schema}.passages USING hnsw "
                f"((embedding::public.halfvec({size})) public.halfvec_cosine_ops) WHERE dimension = {size}",
                timeout=LIMIT_S,
            )


class PostgresPassages:
    """Implements `projections.vector.reads.PassageReader` over the live generation."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self._store = PostgresStore(pool, LAYOUT)

    async def content_tag(self, tenant: str) -> str:
        """Changes whenever the tenant's passages change."""
        return await self._store.content_tag(tenant)

    async def nearest(
        self, tenant: str, model: str, vector: Vector, k: int, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """By cosine similarity, best first."""
        size = len(vector)
        distance = f"embedding::public.halfvec({size}) <=> $3::public.halfvec({size})"
        passages = (
            f"SELECT chunk_id, embedding FROM vector.passages WHERE tenant = $1 AND model = $2 AND dimension = {size}"
        )
        if documents is not None:
            # All of them are looked at: the HNSW index would look for them among the nearest of all, and miss some.
            passages += " AND document_id = ANY($5) OFFSET 0"
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT chunk_id, 1 - ({distance}) AS score FROM ({passages}) AS p ORDER BY {distance} LIMIT $4",
                tenant,
                model,
                np.asarray(vector, dtype="<f2").tobytes(),
                k,
                *(() if documents is None else (list(documents),)),
            )
        return [Hit(row["chunk_id"], row["score"]) for row in rows]

    async def models(self, tenant: str | None = None) -> dict[str, int]:
        """Revisions of the embedders, each with the number of its passages."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT model, count(*) AS passages FROM vector.passages "
                "WHERE $1::text IS NULL OR tenant = $1 GROUP BY model",
                tenant,
            )
        return {row["model"]: row["passages"] for row in rows}

    async def matching(self, tenant: str, query: str, k: int) -> list[Hit]:
        """By BM25, best first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_MATCHING, tenant, query, k)
        return [Hit(row["chunk_id"], row["score"]) for row in rows]

    async def passages(self, tenant: str, chunk_ids: Sequence[str]) -> dict[str, Passage]:
        """By chunk id."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(f"{_PASSAGE} WHERE tenant = $1 AND chunk_id = ANY($2)", tenant, chunk_ids)
        return {row["chunk_id"]: Passage(*row) for row in rows}

    async def of_document(self, tenant: str, document_id: str) -> list[Passage]:
        """A document's passages, in their order."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"{_PASSAGE} WHERE tenant = $1 AND document_id = $2 ORDER BY index", tenant, document_id
            )
        return [Passage(*row) for row in rows]

    async def all_passages(self, tenant: str) -> list[Passage]:
        """Every passage of the tenant, in a stable order."""
        async with transaction(self._pool, readonly=True) as connection:
            rows = await connection.fetch(f"{_PASSAGE} WHERE tenant = $1 ORDER BY chunk_id", tenant)
        return [Passage(*row) for row in rows]
