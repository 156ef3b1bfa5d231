"""Searches in OpenSearch: as exact arithmetic and as PostgreSQL would have it; and what its faults become."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from opensearchpy import AsyncOpenSearch

from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from projections.changes import Change
from projections.errors import UnfoldableEventError
from projections.projector import Projector
from projections.vector.model import VectorModel
from projections.vector.opensearch.bulk import NAMED, RefusedItemsError, write_bulk
from projections.vector.opensearch.index import WORD_FIELDS, words_of
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from projections.vector.opensearch.reader import OpenSearchPassages
from projections.vector.opensearch.vectors import VectorSearchQuery
from projections.vector.postgres import PostgresPassages, VectorStore
from projections.vector.reads import PassageReader, Vector
from tests.projections.contract.folding import follow
from tests.projections.contract.passages import PassageReaderContract
from tests.projections.history import History, open_history
from tests.projections.stories import Story, vector_of

SENTENCES = (
    "The harbour master counts the ships every morning.",
    "Ships of the north bring timber and whale oil.",
    "Nobody counted the whales in the bay.",
    "A market opens when the ship comes in.",
    "Timber is sold by the market hall.",
    "The old lighthouse was rebuilt after the storm, stone by stone, by the people of the harbour.",
    "Storms come in winter.",
    "What they did is not known.",
)
TITLES = ("Harbour", "Whales and ships", "Market")


@pytest.fixture
def reader(store: LiveOpenSearchVectorStore) -> OpenSearchPassages:
    return OpenSearchPassages(store.client, store.name)


class TestPassageReader(PassageReaderContract):
    @pytest.fixture
    async def projector(self, history: History, store: LiveOpenSearchVectorStore) -> Projector:
        return Projector(VectorModel(history.texts, history.outputs), store, history.reader)

    @pytest.fixture
    def reader(self, history: History, store: LiveOpenSearchVectorStore) -> PassageReader:
        return OpenSearchPassages(store.client, store.name)


def _document(
    tenant: str, name: str, title: str, sentences: Sequence[str], vectors: Sequence[Vector], version: int = 1
) -> Change:
    rows = [
        (
            tenant, name, f"{name}-{index}", index, title, sentence, 10 * index, 10 * index + 9, "m", len(vector),
            vector.astype("<f2").tobytes(), 2 * len(title.split()) + len(sentence.split()), "",
            "english", None, None,
        )
        for index, (sentence, vector) in enumerate(zip(sentences, vectors, strict=True))
    ]  # fmt: skip
    return Change(AggregateKey(tenant, "document", name), version - 1, version, {"passages": rows})


def _documents(tenant: str, dimension: int = 16) -> list[Change]:
    """Three documents, each with the sentences under a title of its own."""
    return [
        _document(tenant, title, title, SENTENCES, [vector_of(f"{title} {text}", dimension) for text in SENTENCES])
        for title in TITLES
    ]


async def test_another_tenant_is_not_near(store: LiveOpenSearchVectorStore, reader: OpenSearchPassages) -> None:
    """Though its vectors are the same. The scores are those of exact arithmetic."""
    ours, theirs = _documents("ours"), _documents("theirs")
    await store.write([*ours, *theirs], {})
    stored = {row[2]: np.frombuffer(row[10], "<f2").astype(float) for one in ours for row in one.sections["passages"]}
    query = vector_of("somewhere", 16)
    cosines = {name: float(v @ query / np.linalg.norm(v) / np.linalg.norm(query)) for name, v in stored.items()}
    best = sorted(cosines, key=lambda name: -cosines[name])

    hits = await reader.nearest("ours", "m", query, 5)
    assert [hit.chunk_id for hit in hits] == best[:5]
    assert [hit.score for hit in hits] == pytest.approx([cosines[name] for name in best[:5]], abs=1e-5)
    assert {hit.chunk_id for hit in await reader.nearest("ours", "m", query, 100)} == set(stored)
    assert await reader.nearest("nobody", "m", query, 5) == []
    assert await reader.nearest("ours", "m", query, 0) == []


async def test_vectors_of_different_dimensions_lie_side_by_side(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages
) -> None:
    small, large = vector_of("a", 4), vector_of("a", 1024)
    assert await reader.nearest("default", "m", small, 3) == []
    await store.write([_document("default", "small", "A", ["one"], [small])], {})
    await store.write([_document("default", "large", "A", ["one"], [large])], {})
    assert [hit.chunk_id for hit in await reader.nearest("default", "m", small, 3)] == ["small-0"]
    assert [hit.chunk_id for hit in await reader.nearest("default", "m", large, 3)] == ["large-0"]


async def test_a_vector_without_direction_is_kept_and_found_by_words(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages
) -> None:
    await store.write([_document("default", "zero", "A", ["whale"], [np.zeros(4, np.float32)])], {})
    assert await reader.nearest("default", "m", vector_of("a", 4), 3) == []
    assert [hit.chunk_id for hit in await reader.matching("default", "whales", 3)] == ["zero-0"]
    async with store.snapshot() as snapshot:
        (row,) = [row async for row in snapshot.rows("passages")]
    assert f'"{"00" * 8}"' in row


async def test_no_number_changes_nothing(store: LiveOpenSearchVectorStore, reader: OpenSearchPassages) -> None:
    good, bad = vector_of("a", 4), np.array([1.0, np.nan, 0.0, 0.0], np.float32)
    with pytest.raises(UnfoldableEventError, match="document broken"):
        await store.write(
            [_document("default", "sound", "A", ["one"], [good]), _document("default", "broken", "A", ["two"], [bad])],
            {("documents", 0): 2},
        )
    assert await reader.all_passages("default") == []
    assert await store.positions() == {}


@pytest.mark.parametrize(
    "query",
    [
        "whales",
        "the harbour",
        "ship market",
        "counting timber, timber in storms",
        "What did they do?",
        "Nobody's lighthouse",
    ],
)
async def test_words_find_what_they_find_in_postgres(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages, dsn: str, query: str
) -> None:
    """The same passages with scores that are close: Lucene does not count stop words in the length of a text."""
    documents = _documents("default")
    await store.write(documents, {})
    async with open_history(dsn) as history:
        other = VectorStore(history.pool)
        await other.open()
        await other.write(documents, {})
        wanted = {
            hit.chunk_id: hit.score for hit in await PostgresPassages(history.pool).matching("default", query, 50)
        }
    found = {hit.chunk_id: hit.score for hit in await reader.matching("default", query, 50)}
    assert found == pytest.approx(wanted, rel=0.25)


async def test_tenants_that_share_a_field_of_words_find_their_own(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages
) -> None:
    """There are more tenants than fields."""
    shared = [name for name in (f"tenant-{number}" for number in range(2000)) if words_of(name) == words_of("tenant-0")]
    assert len(shared) > 1
    first, second = shared[:2]
    query = SENTENCES[0]
    await store.write(_documents(first), {})
    alone = await reader.matching(first, query, 50)
    assert alone and await reader.matching(second, query, 50) == []
    theirs = [
        _document(second, f"their-{title}", title, SENTENCES, [vector_of(f"{title} {text}", 16) for text in SENTENCES])
        for title in TITLES
    ]
    await store.write(theirs, {})
    assert {hit.chunk_id for hit in await reader.matching(first, query, 50)} == {hit.chunk_id for hit in alone}
    assert all(hit.chunk_id.startswith("their-") for hit in await reader.matching(second, query, 50))


def test_fields_of_words_have_an_end() -> None:
    assert len({words_of(f"tenant-{number}") for number in range(10_000)}) == WORD_FIELDS < 1000


async def test_passages_are_read_as_they_were_written(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages
) -> None:
    await store.write([*_documents("ours"), *_documents("theirs")], {})
    everything = await reader.all_passages("ours")
    assert [one.chunk_id for one in everything] == sorted(f"{t}-{i}" for t in TITLES for i in range(len(SENTENCES)))
    one = everything[3]
    assert (one.document_id, one.title, one.text, one.start, one.end) == ("Harbour", "Harbour", SENTENCES[3], 30, 39)
    assert await reader.passages("ours", ["Market-1", "Market-99"]) == {
        "Market-1": next(one for one in everything if one.chunk_id == "Market-1")
    }
    assert await reader.passages("nobody", ["Market-1"]) == {}
    assert await reader.passages("ours", []) == {}


async def test_all_of_many_pages_are_read(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.vector.opensearch.snapshot.PAGE", 5)
    await store.write(_documents("default"), {})
    assert len(await reader.all_passages("default")) == len(TITLES) * len(SENTENCES)


async def test_the_name_of_the_content_is_the_same_for_readers(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages
) -> None:
    before = await reader.content_tag("default")
    await store.write(_documents("default"), {})
    after = await reader.content_tag("default")
    assert before != after == await store.content_tag("default") == await reader.content_tag("default")


async def test_chunks_of_a_bulk_are_one_answer(
    store: LiveOpenSearchVectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.vector.opensearch.bulk.CHUNK_BYTES", 100)
    index = await store.current()
    actions = [({"index": {"_id": str(n)}}, {"what": "touched", "tenant": "a"}) for n in range(10)]
    response = await write_bulk(store.client, index, actions, refresh=True)
    assert (response.errors, response.items, response.failures) == (False, 10, ())
    assert (await store.client.count(index=index))["count"] == 10


async def test_items_that_fail_are_named(store: LiveOpenSearchVectorStore) -> None:
    bad = [({"index": {"_id": f"bad{n}"}}, {"what": "touched", "unheard": n}) for n in range(NAMED + 1)]
    good = ({"index": {"_id": "good"}}, {"what": "touched"})
    with pytest.raises(
        RefusedItemsError, match=r"6 of 7 items failed: bad0: 400 strict_dynamic_mapping_exception"
    ) as raised:
        await write_bulk(store.client, await store.current(), [good, *bad])
    assert "bad4" in str(raised.value) and "bad5" not in str(raised.value)


async def test_a_search_of_vectors_says_how_long_it_took_and_how_many_there_are(
    store: LiveOpenSearchVectorStore, reader: OpenSearchPassages, history: History
) -> None:
    """And gives the chosen fields alone, of this tenant's passages alone."""
    stories = [Story(f"d{n}", (sentence,), title="Harbour") for n, sentence in enumerate(SENTENCES)]
    foreign = Story("d0", (SENTENCES[0],), title="Harbour", tenant="other")
    await history.tell(*stories, foreign)
    await follow(Projector(VectorModel(history.texts, history.outputs), store, history.reader), history)
    wanted = stories[3]
    vector = vector_of(wanted.inputs[0], wanted.dimension)

    fields = ("document_id", "text", "no_such_field")
    found = await reader.search_vectors("default", VectorSearchQuery(wanted.embedder, vector, 3, fields))
    assert found.took >= 0
    assert 3 <= found.total_hits <= len(stories)
    first = found.results[0]
    assert first.id == wanted.chunks[0].chunk_id and first.score == pytest.approx(1.0, abs=1e-3)
    assert first.source == {"document_id": "d3", "text": SENTENCES[3]}
    assert [(result.id, result.score) for result in found.results] == [
        (hit.chunk_id, hit.score) for hit in await reader.nearest("default", wanted.embedder, vector, 3)
    ]

    narrow = VectorSearchQuery(wanted.embedder, vector, 10, ("document_id",), documents=["d0", "d1"])
    found = await reader.search_vectors("default", narrow)
    assert (found.total_hits, {result.source["document_id"] for result in found.results}) == (2, {"d0", "d1"})
    assert (await reader.search_vectors("default", VectorSearchQuery("another@1", vector, 3))).results == ()
    assert (await reader.search_vectors("default", VectorSearchQuery(wanted.embedder, vector, 0))).total_hits == 0


@pytest.mark.parametrize("status", [429, 502, 503, 504, None])
async def test_a_server_that_has_no_time_is_away(status: int | None) -> None:
    """Whether it says so, or says nothing for too long."""

    async def answer(requests: asyncio.StreamReader, replies: asyncio.StreamWriter) -> None:
        await requests.readuntil(b"\r\n\r\n")
        if status is not None:
            replies.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await replies.drain()
            replies.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with AsyncOpenSearch(f"http://127.0.0.1:{port}", timeout=0.2, max_retries=0) as client:
            await _is_away(client)


async def test_a_server_that_is_not_there_is_away() -> None:
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    async with AsyncOpenSearch(f"http://127.0.0.1:{port}", timeout=0.2, max_retries=0) as client:
        await _is_away(client)


async def _is_away(client: AsyncOpenSearch) -> None:
    reader, store = OpenSearchPassages(client), LiveOpenSearchVectorStore(client)
    vector = vector_of("a", 4)
    for call in (
        lambda: reader.content_tag("a"),
        lambda: reader.nearest("a", "m", vector, 1),
        lambda: reader.matching("a", "a", 1),
        lambda: reader.passages("a", ["a"]),
        lambda: reader.all_passages("a"),
        lambda: reader.of_document("a", "a"),
        lambda: store.open(),
        lambda: store.versions([AggregateKey("a", "document", "a")]),
        lambda: store.positions(),
        lambda: store.write([], {("documents", 0): 1}),
        lambda: store.generation("next").begin(),
    ):
        with pytest.raises(StoreUnavailableError):
            await call()
