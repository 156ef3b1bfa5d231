"""Passages in PostgreSQL answer as all must; beyond that, BM25 to the digit and searches through the HNSW index."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from eventstore.keys import AggregateKey
from eventstore.pool import PostgresPool, open_pool, transaction
from projections.changes import Change
from projections.projector import Projector
from projections.vector import bm25 as bm25_of_postgres
from projections.vector.codec import register
from projections.vector.model import VectorModel
from projections.vector.parts import index_part
from projections.vector.postgres import SEARCH_SETTINGS, PostgresPassages, VectorStore
from projections.vector.reads import Hit, PassageReader
from tests.projections.contract.folding import follow
from tests.projections.contract.passages import PassageReaderContract, bm25, cosines, library, passages_of
from tests.projections.history import History
from tests.projections.models import open_model
from tests.projections.stories import Story, vector_of

ENGLISH = ("english", None, None)
"""The analyser of a row, and nothing that is spelled in another way."""
BY_INDEX = {"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off"}
"""What makes the planner take the HNSW index also where there are few rows."""


class TestPassageReader(PassageReaderContract):
    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        store = VectorStore(history.pool)
        await store.open()
        return Projector(VectorModel(history.texts, history.outputs), store, history.reader)

    @pytest.fixture
    def reader(self, history: History) -> PassageReader:
        return PostgresPassages(history.pool)

    async def test_scores_are_bm25_to_the_digit(
        self, reader: PassageReader, projector: Projector, history: History
    ) -> None:
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        hits = await reader.matching("default", "w1x w2x w30x", 60)
        assert {hit.chunk_id: hit.score for hit in hits} == pytest.approx(bm25("w1x w2x w30x", passages_of(*stories)))

    @pytest.mark.parametrize("most", [60, 120, 400])
    async def test_the_first_are_exact_though_not_all_are_read(
        self,
        reader: PassageReader,
        projector: Projector,
        history: History,
        monkeypatch: pytest.MonkeyPatch,
        most: int,
    ) -> None:
        """Some words then find no passage of their own: what they add cannot bring it among the first."""
        monkeypatch.setattr("projections.vector.postgres.READ_FOR_ANSWER", most)
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        for query in ("w30x w35x w12x w9x", "w12x w20x", "w37x w38x w39x"):
            expected = sorted(bm25(query, passages_of(*stories)).values(), reverse=True)
            for k in (1, 2, 5):
                hits = await reader.matching("default", query, k)
                assert [hit.score for hit in hits] == pytest.approx(expected[:k])

    async def test_of_passages_that_share_common_words_alone_few_are_read(
        self, reader: PassageReader, projector: Projector, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("projections.vector.postgres.READ_FOR_ANSWER", 8)
        stories = library()
        await history.tell(*stories)
        await follow(projector, history)
        expected = bm25("w1x w2x w30x", passages_of(*stories))
        rare = bm25("w30x", passages_of(*stories))
        assert 0 < len(rare) < 8
        hits = await reader.matching("default", "w1x w2x w30x", 8)
        assert set(rare) <= {hit.chunk_id for hit in hits}
        assert len(hits) == 8 and [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert [hit.score for hit in hits] == pytest.approx([expected[hit.chunk_id] for hit in hits])
        expected = bm25("w1x w2x", passages_of(*stories))
        common = await reader.matching("default", "w1x w2x", 8)
        assert len(common) == 8
        assert [hit.score for hit in common] == pytest.approx([expected[hit.chunk_id] for hit in common])
        assert len(await reader.matching("default", "w1x", 8)) == 8

    @pytest.mark.parametrize("most", [30, 60])
    async def test_no_step_of_a_search_reads_what_one_before_it_read(
        self,
        reader: PassageReader,
        projector: Projector,
        history: History,
        monkeypatch: pytest.MonkeyPatch,
        most: int,
    ) -> None:
        monkeypatch.setattr("projections.vector.postgres.READ_FOR_ANSWER", most)
        read: list[list[str]] = []
        scored = bm25_of_postgres._scored

        async def noted(*given: Any) -> list[Hit]:
            hits = await scored(*given)
            read.append([hit.chunk_id for hit in hits])
            return hits

        monkeypatch.setattr(bm25_of_postgres, "_scored", noted)
        await history.tell(*library())
        await follow(projector, history)
        steps = 0
        for query in ("w30x w35x w12x w9x", "w12x w20x", "w37x w38x w39x"):
            await reader.matching("default", query, 20)
            found = [chunk_id for step in read for chunk_id in step]
            assert len(found) == len(set(found))
            steps = max(steps, len(read))
            read.clear()
        assert steps > 1

    @pytest.mark.parametrize("dimension", [8, 384])
    async def test_the_index_finds_a_model_that_is_rare(
        self,
        projector: Projector,
        history: History,
        dsn: str,
        dimension: int,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Sixty passages of another model are nearer: the search goes on until it has all that were asked for."""
        monkeypatch.setattr("projections.vector.parts.FEW_PASSAGES", 0)
        rare = [Story(f"rare-{n}", (f"rare {n}.",), dimension=dimension, model="rare") for n in range(4)]
        await history.tell(*library(dimension=dimension), *rare)
        await follow(projector, history)

        pool = await open_pool(
            dsn, init=register, server_settings={**SEARCH_SETTINGS, **BY_INDEX, "hnsw.ef_search": "5"}
        )
        try:
            assert await takes_index(pool, "default", dimension)
            hits = await PostgresPassages(pool).nearest("default", rare[0].embedder, vector_of("one", dimension), 4)
        finally:
            await pool.close()
        expected = sorted(cosines("one", *rare).values(), reverse=True)
        assert [hit.score for hit in hits] == pytest.approx(expected, abs=2e-3)


async def takes_index(pool: PostgresPool, tenant: str, dimension: int) -> bool:
    """Whether a search for a tenant's nearest passages goes by an HNSW index."""
    plan = await pool.fetch(
        f"EXPLAIN SELECT chunk_id FROM vector.passages WHERE tenant = '{tenant}' AND model = 'm' "
        f"AND dimension = {dimension} "
        f"ORDER BY embedding::public.halfvec({dimension}) <=> $1::public.halfvec({dimension}) LIMIT 4",
        vector_of("one", dimension).astype("<f2").tobytes(),
    )
    return any(f"_{dimension} on passages_" in row[0] for row in plan)


async def own_parts(pool: PostgresPool, schema: str = "vector") -> list[str]:
    """Tables of the parts that tenants have to themselves."""
    tables = await pool.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = $1::text::regclass "
        "AND inhrelid <> $2::text::regclass ORDER BY name",
        f"{schema}.passages",
        f"{schema}.passages_shared",
    )
    return [table["name"] for table in tables]


async def parts_of(pool: PostgresPool) -> set[str]:
    """Tenants by the parts that they have to themselves: what each part holds."""
    held = [await pool.fetch(f"SELECT DISTINCT tenant FROM {table}") for table in await own_parts(pool)]
    assert all(len(rows) <= 1 for rows in held)
    return {row["tenant"] for rows in held for row in rows}


async def test_a_tenant_that_outgrows_the_shared_part_has_one_to_itself(
    history: History, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By live writes and by a replay alike, and nothing that is read shows it."""
    monkeypatch.setattr("projections.vector.parts.FEW_PASSAGES", 20)
    live = await open_model("vector", history)
    large, small = library(tenant="large"), library(tenant="small")[:4]
    reader = PostgresPassages(history.pool)

    async def check() -> None:
        assert await parts_of(history.pool) == {large[0].tenant}
        assert await history.pool.fetchval("SELECT array_agg(DISTINCT tenant) FROM vector.passages_shared") == ["small"]
        for stories in (large, small):
            tenant, expected = stories[0].tenant, cosines("one", *stories)
            hits = await reader.nearest(tenant, stories[0].embedder, vector_of("one", 8), 10)
            best = sorted(expected.values(), reverse=True)[:10]
            assert [hit.score for hit in hits] == pytest.approx(best, abs=2e-3)
            assert await reader.all_passages(tenant) == [
                passage for _, passage in sorted(passages_of(*stories).items())
            ]

    for number in range(0, len(large), 3):
        await history.tell(*large[number : number + 3], *small[number : number + 1])
        await live.everything()
    await history.tell(*small[1:])
    await live.everything()
    await check()
    before = await live.digests()
    following = live.store.generation("next")
    await following.begin()
    assert [one.partition(".")[2] for one in await own_parts(history.pool, "vector_next")] == [
        one.partition(".")[2] for one in await own_parts(history.pool)
    ], "there is room for it before anything is loaded"
    await following.discard()
    await live.replay()
    await check()
    assert await live.digests() == before
    analysed = await history.pool.fetchval("SELECT array_agg(attname) FROM pg_stats WHERE tablename = 'passages'")
    assert {"tenant", "chunk_id", "words"} <= set(analysed) and not {"text", "embedding"} & set(analysed)
    pool = await open_pool(dsn, init=register, server_settings=BY_INDEX)
    try:
        assert await takes_index(pool, "large", 8)
        assert not await takes_index(pool, "small", 8)
    finally:
        await pool.close()

    # Changed and deleted there as elsewhere; it stays when it has become small.
    await history.tell(replace(large[0], sentences=("Ada met Bob.",)))
    for story in large[2:]:
        await history.delete(story)
    await live.everything()
    assert len(await reader.all_passages(large[0].tenant)) == 6
    assert await parts_of(history.pool) == {large[0].tenant}
    # Vectors of another dimension come with an index of their own.
    others = [Story(f"other-{n}", (f"word {n}.",), tenant=large[0].tenant, dimension=16) for n in range(20)]
    await history.tell(*others)
    await live.everything()
    hits = await reader.nearest(large[0].tenant, others[0].embedder, vector_of("one", 16), 5)
    best = sorted(cosines("one", *others).values(), reverse=True)[:5]
    assert [hit.score for hit in hits] == pytest.approx(best, abs=2e-3)
    assert (
        await history.pool.fetchval(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'vector' AND indexdef LIKE '%hnsw%'"
        )
        == 2
    )


async def test_counters_of_words_are_exact_after_changes_and_deletions(history: History) -> None:
    live = await open_model("vector", history)
    stories = library()
    await history.tell(*stories)
    await live.everything()
    await history.tell(*(replace(story, sentences=story.sentences[::-2]) for story in stories[:6]))
    await history.delete(stories[7])
    await live.everything()
    counted = {
        (row["lexeme"], row["passages"])
        for row in await history.pool.fetch("SELECT lexeme, passages FROM vector.terms")
    }
    held = await history.pool.fetch(
        "SELECT lexeme, count(*) AS passages FROM vector.passages, unnest(tsvector_to_array(words)) AS w(lexeme) "
        "GROUP BY lexeme"
    )
    assert counted == {(row["lexeme"], row["passages"]) for row in held} != set()
    assert [tuple(row) for row in await history.pool.fetch("SELECT passages, length FROM vector.collections")] == [
        tuple(row) for row in await history.pool.fetch("SELECT count(*), sum(length) FROM vector.passages")
    ]
    before = await live.digests()
    await live.replay()
    assert await live.digests() == before
    for story in stories[:7] + stories[8:]:
        await history.delete(story)
    await live.everything()
    for table in ("terms", "collections"):
        assert await history.pool.fetchval(f"SELECT count(*) FROM vector.{table}") == 0


async def test_a_small_tenant_beside_a_large_one_loses_nothing(
    history: History, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index of both would give up before it has seen one of its passages: all that is near is of the large one."""
    monkeypatch.setattr("projections.vector.parts.FEW_PASSAGES", 1000)
    random = np.random.default_rng(5)
    near, far = random.standard_normal((2, 64))
    count, small = 3000, 100
    vectors = np.where(np.arange(count)[:, None] < small, far, near) + random.standard_normal((count, 64))
    kept = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f2")
    store = VectorStore(history.pool)
    await store.open()
    tenants = ["small" if n < small else "large" for n in range(count)]
    rows = [
        (tenants[n], f"d{n}", f"c{n}", 0, "T", "words", 0, 5, "m", 64, kept[n].tobytes(), 1, "", *ENGLISH)
        for n in range(count)
    ]
    keys = [AggregateKey(tenants[n], "document", f"d{n}") for n in range(count)]
    await store.write([Change(key, 0, 1, {"passages": [row]}) for key, row in zip(keys, rows, strict=True)], {})

    few = {"hnsw.ef_search": "40", "hnsw.max_scan_tuples": "200"}
    pool = await open_pool(dsn, init=register, server_settings={**SEARCH_SETTINGS, **few})
    try:
        hits = await PostgresPassages(pool).nearest("small", "m", near.astype(np.float32), 20)
    finally:
        await pool.close()
    similar = kept[:small].astype(np.float64) @ (near / np.linalg.norm(near))
    best = [f"c{n}" for n in np.argsort(-similar)[:20]]
    assert len(set(best) & {hit.chunk_id for hit in hits}) >= 19, "half precision may turn two round"


async def test_within_many_documents_none_is_missed_however_far_away_they_are(history: History, dsn: str) -> None:
    """The index alone would find but a few of them: all that is near the question is of other documents."""
    random = np.random.default_rng(5)
    near, far = random.standard_normal((2, 64))
    count, named = 3000, 1500
    vectors = np.where(np.arange(count)[:, None] < named, far, near) + random.standard_normal((count, 64))
    kept = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("<f2")
    store = VectorStore(history.pool)
    await store.open()
    rows = [
        ("t", f"d{n}", f"c{n}", 0, "T", "words", 0, 5, "m", 64, kept[n].tobytes(), 1, "", *ENGLISH)
        for n in range(count)
    ]
    keys = [AggregateKey("t", "document", f"d{n}") for n in range(count)]
    await store.write([Change(key, 0, 1, {"passages": [row]}) for key, row in zip(keys, rows, strict=True)], {})

    documents = [f"d{n}" for n in range(named)]
    few = {"hnsw.ef_search": "40", "hnsw.max_scan_tuples": "200"}
    pool = await open_pool(dsn, init=register, server_settings={**SEARCH_SETTINGS, **BY_INDEX, **few})
    try:
        hits = await PostgresPassages(pool).nearest("t", "m", near.astype(np.float32), 20, documents)
    finally:
        await pool.close()
    similar = kept[:named].astype(np.float64) @ (near / np.linalg.norm(near))
    best = [f"c{n}" for n in np.argsort(-similar)[:20]]
    assert len(set(best) & {hit.chunk_id for hit in hits}) >= 19, "half precision may turn two round"


@pytest.mark.parametrize(("most", "given"), [(2048, "1495MB"), (600, "600MB"), (100_000, "1495MB")])
async def test_a_large_graph_of_vectors_is_built_in_memory_as_far_as_that_may_go(
    history: History, most: int, given: str
) -> None:
    await VectorStore(history.pool).open()
    async with transaction(history.pool) as connection:
        await connection.execute("CREATE TABLE vector.large (LIKE vector.passages INCLUDING ALL)")
        await index_part(connection, "vector", "large", {384: 1_000_000}, most)
        assert await connection.fetchval("SHOW maintenance_work_mem") == given
    assert await history.pool.fetchval("SHOW maintenance_work_mem") != given
