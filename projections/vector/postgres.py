"""Passages in PostgreSQL: pgvector's HNSW for meaning, a GIN index with BM25 for words."""

import logging
from collections.abc import Collection, Sequence

import numpy as np

from eventstore.errors import StoreUnavailableError
from eventstore.pool import Connection, PostgresPool, acquire, transaction
from projections.changes import Change, Positions
from projections.postgres.generation_reads import GenerationReads
from projections.postgres.layout import Layout
from projections.postgres.live import LivePostgresStore
from projections.postgres.snapshot import LIMIT_S
from projections.postgres.store import PostgresStore
from projections.vector import parts
from projections.vector.bm25 import FEW_DOCUMENTS, READ_FOR_ANSWER, best_matching, hold_at_most
from projections.vector.counters import add, count_all, count_of
from projections.vector.full_text import full_text
from projections.vector.model import LAYOUT, check_model
from projections.vector.parts import (
    USUAL_MEMORY_MB,
    Loaded,
    dimensions_of,
    few,
    index_part,
    index_parts,
    outgrown,
    part_of,
    split,
)
from projections.vector.reads import Frequencies, Hit, Passage, Vector
from projections.vector.spelling import spelled
from projections.vector.text_query import TextQuery

SEARCH_SETTINGS = {"hnsw.ef_search": "100", "hnsw.iterative_scan": "strict_order"}
"""For the pool: wide enough a search, going on where a tenant's own rows are rare among the neighbours."""

log = logging.getLogger(__name__)

# Of a word that several analysers read, the form that is held most.
_FREQUENCIES = """
SELECT f.word, max(f.holding) AS holding FROM (
    SELECT w.word, a.analyser, min(coalesce(t.passages, 0)) AS holding
    FROM unnest($2::text[], $3::text[]) AS w(word, spelled)
    JOIN vector.tenant_analysers AS a ON a.tenant = $1
    CROSS JOIN LATERAL unnest(tsvector_to_array(to_tsvector(a.analyser::regconfig, w.spelled))) AS q(lexeme)
    LEFT JOIN vector.terms AS t ON t.tenant = $1 AND t.lexeme = q.lexeme
    GROUP BY w.word, a.analyser
) AS f GROUP BY f.word
"""

_PASSAGE = "SELECT chunk_id, document_id, title, text, start_at, end_at FROM vector.passages"


class VectorStore(LivePostgresStore):
    """Gives a tenant that outgrows the shared part one to itself, and a part an index for each dimension of vectors."""

    def __init__(
        self,
        pool: PostgresPool,
        layout: Layout = LAYOUT,
        schema: str | None = None,
        index_memory_mb: int = USUAL_MEMORY_MB,
    ) -> None:
        """`index_memory_mb`: what PostgreSQL may take at most while it builds an index of vectors."""
        super().__init__(pool, layout, schema)
        self._index_memory_mb = index_memory_mb
        self._loaded = Loaded()
        self._indexed: set[tuple[str, int]] = set()

    async def index_loaded(self, connection: Connection) -> None:
        """Those of the vectors too, last: that takes longest, and every core that there is."""
        await super().index_loaded(connection)
        await index_parts(connection, self.schema, self._index_memory_mb)

    def beside(self, generation_id: str) -> "VectorStore":
        """The store of another generation."""
        return VectorStore(self.pool, self.layout, f"{self.layout.name}_{generation_id}", self._index_memory_mb)

    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """All changes and the positions in one transaction. Raises StaleVersionError."""
        await super().write(changes, positions)
        tenants = {change.key.tenant for change in changes if change.sections.get("passages")}
        try:
            for tenant in await self._outgrown(tenants):
                await self._split(tenant)
        except StoreUnavailableError as error:
            log.warning("%s: a tenant's own part is made with the next write: %s", self.schema, error)

    async def loaded(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Give tenants that have outgrown the shared part one to themselves while there are no indexes yet."""
        named = (change.key.tenant for change in changes for _ in change.sections.get("passages", ()))
        for tenant in self._loaded.outgrown(named):
            await split(connection, self.schema, tenant)

    async def make_room_as(self, connection: Connection, schema: str) -> None:
        """Give those tenants one to themselves that have so much in the other generation."""
        for tenant in await parts.large(connection, schema):
            await split(connection, self.schema, tenant)

    async def resume(self, connection: Connection) -> None:
        """Know how many passages each tenant has there."""
        rows = await connection.fetch(
            f"SELECT tenant, count(*) AS passages FROM {self.schema}.passages GROUP BY tenant", timeout=LIMIT_S
        )
        self._loaded = Loaded({row["tenant"]: row["passages"] for row in rows})

    async def derive_all(self, connection: Connection) -> None:
        """Count the words of everything, after a bulk load."""
        await count_all(connection, self.schema, LIMIT_S)

    async def _replace(self, connection: Connection, changes: Sequence[Change]) -> None:
        changed = [change for change in changes if "passages" in change.sections]
        if changed:
            check_model(changed, await self.model_revision(connection))
        await self._index_vectors(connection, changed)
        before = await count_of(connection, self.schema, [change.key for change in changed if change.previous])
        await super()._replace(connection, changes)
        now = await count_of(connection, self.schema, [change.key for change in changed])
        await add(connection, self.schema, now.minus(before))

    async def _index_vectors(self, connection: Connection, changes: Sequence[Change]) -> None:
        """An index for vectors of dimensions that a part has none of."""
        index = LAYOUT.table("passages").columns.index("dimension")
        found = {(change.key.tenant, row[index]) for change in changes for row in change.sections["passages"]}
        for tenant, dimension in sorted(found - self._indexed):
            part = await part_of(connection, self.schema, tenant)
            if part is not None:
                await index_part(connection, self.schema, part, {dimension: 0})
                self._indexed.add((tenant, dimension))

    async def _outgrown(self, tenants: set[str]) -> list[str]:
        if not tenants:
            return []
        async with acquire(self.pool) as connection:
            return await outgrown(connection, self.schema, tenants)

    async def _split(self, tenant: str) -> None:
        """While nobody else writes: their rows would be missed."""
        async with transaction(self.pool) as connection:
            await self.lock(connection)
            await split(connection, self.schema, tenant)
            part = await part_of(connection, self.schema, tenant)
            if part is not None:
                await index_part(connection, self.schema, part, await dimensions_of(connection, self.schema, part))


class PostgresPassages:
    """Implements `projections.vector.reads.PassageReader` over the live generation, or another one's schema."""

    def __init__(self, pool: PostgresPool, schema: str | None = None) -> None:
        self._reads = GenerationReads(pool, LAYOUT.name, schema)
        self._store = PostgresStore(pool, LAYOUT, schema)

    @property
    def most_dimensions(self) -> int:
        """pgvector's limit of an HNSW index over halfvec."""
        return 4_000

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
        order = distance
        limits: list[list[str]] = []
        for column, wanted in (("document_id", documents), ("collection", collections)):
            if wanted is not None:
                limits.append(list(wanted))
                passages += f" AND {column} = ANY(${4 + len(limits)})"
        async with self._reads.connection() as connection:
            whole = documents is not None and len(documents) <= FEW_DOCUMENTS
            if collections is not None and not whole:
                whole = await hold_at_most(connection, tenant, collections, parts.FEW_PASSAGES)
            # All of few are compared: an HNSW index would look for them among the nearest of all, and miss some.
            if whole or await few(connection, LAYOUT.name, tenant):
                passages += " OFFSET 0"
                order = f"{distance}, chunk_id"
            rows = await connection.fetch(
                f"SELECT chunk_id, 1 - ({distance}) AS score FROM ({passages}) AS p ORDER BY {order} LIMIT $4",
                tenant,
                model,
                np.asarray(vector, dtype="<f2").tobytes(),
                k,
                *limits,
            )
        # An HNSW index gives those that are equally near in no order of its own.
        hits = (Hit(row["chunk_id"], row["score"]) for row in rows)
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))

    async def compared(self, tenant: str, model: str, vector: Vector, chunk_ids: Sequence[str]) -> list[Hit]:
        """By their key alone: none is searched for."""
        size = len(vector)
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                f"SELECT chunk_id, 1 - (embedding::public.halfvec({size}) <=> $3::public.halfvec({size})) AS score "
                f"FROM vector.passages WHERE tenant = $1 AND model = $2 AND dimension = {size} AND chunk_id = ANY($4) "
                "ORDER BY score DESC, chunk_id",
                tenant,
                model,
                np.asarray(vector, dtype="<f2").tobytes(),
                list(chunk_ids),
            )
        return [Hit(row["chunk_id"], row["score"]) for row in rows]

    async def models(self, tenant: str | None = None) -> dict[str, int]:
        """Revisions of the embedders, each with the number of its passages."""
        async with self._reads.connection() as connection:
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
        async with self._reads.connection() as connection:
            return await best_matching(
                connection, tenant, query, k, documents, collections=collections, read=READ_FOR_ANSWER
            )

    async def frequencies(self, tenant: str, words: Sequence[str]) -> Frequencies:
        """As they were counted when the passages were written."""
        async with self._reads.connection() as connection:
            passages = await connection.fetchval("SELECT passages FROM vector.collections WHERE tenant = $1", tenant)
            rows = await connection.fetch(_FREQUENCIES, tenant, list(words), list(map(spelled, words)))
        return Frequencies(passages or 0, {row["word"]: row["holding"] for row in rows})

    async def full_text(
        self, tenant: str, query: TextQuery, k: int, documents: Sequence[str] | None = None
    ) -> list[Hit]:
        """Those that pass, by BM25, best first."""
        async with self._reads.connection() as connection:
            return await full_text(connection, tenant, query, k, documents)

    async def passages(
        self, tenant: str, chunk_ids: Sequence[str], collections: Collection[str] | None = None
    ) -> dict[str, Passage]:
        """By chunk id."""
        within = "" if collections is None else " AND collection = ANY($3)"
        limits = [] if collections is None else [list(collections)]
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                f"{_PASSAGE} WHERE tenant = $1 AND chunk_id = ANY($2){within}", tenant, chunk_ids, *limits
            )
        return {row["chunk_id"]: Passage(*row) for row in rows}

    async def of_document(self, tenant: str, document_id: str) -> list[Passage]:
        """A document's passages, in their order."""
        async with self._reads.connection() as connection:
            rows = await connection.fetch(
                f"{_PASSAGE} WHERE tenant = $1 AND document_id = $2 ORDER BY index", tenant, document_id
            )
        return [Passage(*row) for row in rows]

    async def all_passages(self, tenant: str) -> list[Passage]:
        """Every passage of the tenant, in a stable order."""
        async with self._reads.transaction() as connection:
            rows = await connection.fetch(f"{_PASSAGE} WHERE tenant = $1 ORDER BY chunk_id", tenant)
        return [Passage(*row) for row in rows]
