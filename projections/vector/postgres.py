"""Passages in PostgreSQL: pgvector's HNSW for meaning, a GIN index with BM25 for words."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from eventstore.pool import Connection, PostgresPool, acquire, transaction
from projections.changes import Change
from projections.postgres.layout import Layout
from projections.postgres.live import LivePostgresStore
from projections.postgres.snapshot import LIMIT_S
from projections.postgres.store import PostgresStore
from projections.vector.bm25 import FEW_DOCUMENTS, best_matching, hold_at_most
from projections.vector.counters import add, count_all, count_of
from projections.vector.full_text import full_text
from projections.vector.model import LAYOUT
from projections.vector.reads import Frequencies, Hit, Passage, Vector
from projections.vector.text_query import TextQuery

SEARCH_SETTINGS = {"hnsw.ef_search": "100", "hnsw.iterative_scan": "strict_order"}
"""For the pool: wide enough a search, going on where a tenant's own rows are rare among the neighbours."""

DEFAULT_DIMENSION = 384
FEW_PASSAGES = 5_000
"""A tenant of so many has each of them compared with a question: it loses nothing to the tenants beside it."""

_FREQUENCIES = """
SELECT w.word, min(coalesce(t.passages, 0)) AS holding FROM unnest($2::text[]) AS w(word)
CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector('english', w.word))) AS q(lexeme)
LEFT JOIN vector.terms AS t ON t.tenant = $1 AND t.lexeme = q.lexeme
GROUP BY w.word
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
        changed = [change for change in changes if "passages" in change.sections]
        before = await count_of(connection, self.schema, [change.key for change in changed if change.previous])
        await super()._replace(connection, changes)
        now = await count_of(connection, self.schema, [change.key for change in changed])
        await add(connection, self.schema, now.minus(before))
        index = LAYOUT.table("passages").columns.index("dimension")
        new = {row[index] for change in changes for row in change.sections.get("passages", ())} - self._indexed
        if new:
            await self._index_vectors(connection, new)
            self._indexed |= new

    async def derive_all(self, connection: Connection) -> None:
        """Count the words of everything, after a bulk load."""
        await count_all(connection, self.schema, LIMIT_S)

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
        self,
        tenant: str,
        model: str,
        vector: Vector,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """By cosine similarity, best first."""
        size = len(vector)
        distance = f"embedding::public.halfvec({size}) <=> $3::public.halfvec({size})"
        passages = (
            f"SELECT chunk_id, embedding FROM vector.passages WHERE tenant = $1 AND model = $2 AND dimension = {size}"
        )
        limits: list[list[str]] = []
        for column, wanted in (("document_id", documents), ("collection", collections)):
            if wanted is not None:
                limits.append(list(wanted))
                passages += f" AND {column} = ANY(${4 + len(limits)})"
        async with acquire(self._pool) as connection:
            own = await connection.fetchval("SELECT passages FROM vector.collections WHERE tenant = $1", tenant) or 0
            # All of few are compared: the HNSW index would look for them among the nearest of all, and miss some.
            few = own <= FEW_PASSAGES or (documents is not None and len(documents) <= FEW_DOCUMENTS)
            if few or (collections is not None and await hold_at_most(connection, tenant, collections, FEW_PASSAGES)):
                passages += " OFFSET 0"
            rows = await connection.fetch(
                f"SELECT chunk_id, 1 - ({distance}) AS score FROM ({passages}) AS p ORDER BY {distance} LIMIT $4",
                tenant,
                model,
                np.asarray(vector, dtype="<f2").tobytes(),
                k,
                *limits,
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

    async def matching(
        self,
        tenant: str,
        query: str,
        k: int,
        documents: Sequence[str] | None = None,
        collections: Collection[str] | None = None,
    ) -> list[Hit]:
        """By BM25, best first."""
        async with acquire(self._pool) as connection:
            return await best_matching(connection, tenant, query, k, documents, collections=collections)

    async def frequencies(self, tenant: str, words: Sequence[str]) -> Frequencies:
        """As they were counted when the passages were written."""
        async with acquire(self._pool) as connection:
            passages = await connection.fetchval("SELECT passages FROM vector.collections WHERE tenant = $1", tenant)
            rows = await connection.fetch(_FREQUENCIES, tenant, list(words))
        return Frequencies(passages or 0, {row["word"]: row["holding"] for row in rows})

    async def full_text(
        self, tenant: str, query: TextQuery, k: int, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """Those that pass, by BM25, best first."""
        async with acquire(self._pool) as connection:
            return await full_text(connection, tenant, query, k, documents)

    async def passages(
        self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
    ) -> dict[str, Passage]:
        """By chunk id."""
        within = "" if collections is None else " AND collection = ANY($3)"
        limits = [] if collections is None else [list(collections)]
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"{_PASSAGE} WHERE tenant = $1 AND chunk_id = ANY($2){within}", tenant, chunk_ids, *limits
            )
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
