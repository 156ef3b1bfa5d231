"""Generations as of a position in Neo4j and OpenSearch: built, led forward from a snapshot, and read by their names."""

from collections.abc import AsyncIterator, Sequence
from uuid import uuid4

import pytest
from opensearchpy import AsyncOpenSearch

from contracts.topics import topics
from eventstore.generations import GenerationRegistry, RegisteredGeneration
from projections import as_of
from projections.as_of import make_as_of
from projections.changes import ReadModel
from projections.generations import Generations
from projections.graph.model import GraphModel
from projections.graph.neo4j.connection import Neo4jDriver
from projections.graph.neo4j.live import LiveNeo4jGraphStore
from projections.graph.neo4j.reader import Neo4jGraph
from projections.projector import Projector
from projections.store import LiveStore
from projections.vector.model import VectorModel
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from projections.vector.opensearch.reader import OpenSearchPassages
from tests.projections.contract.folding import digests, follow
from tests.projections.history import History, open_history
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")


@pytest.fixture
async def history(dsn: str) -> AsyncIterator[History]:
    """A log in which nothing happened yet."""
    async with open_history(dsn) as opened:
        yield opened


@pytest.fixture
async def graph(graph_driver: Neo4jDriver) -> LiveNeo4jGraphStore:
    """The live graph, with nothing in it."""
    store = LiveNeo4jGraphStore(graph_driver)
    await store.open()
    return store


@pytest.fixture
async def vector(opensearch_url: str) -> AsyncIterator[LiveOpenSearchVectorStore]:
    """Open and empty, under a name of its own."""
    async with AsyncOpenSearch(opensearch_url, timeout=30, max_retries=0) as client:
        store = LiveOpenSearchVectorStore(client, f"test-{uuid4().hex[:8]}")
        await store.open()
        yield store
        await client.indices.delete(index=f"{store.name}-*")
        await client.indices.delete_index_template(name=store.name)


async def test_they_are_read_as_they_were(
    history: History,
    graph: LiveNeo4jGraphStore,
    vector: LiveOpenSearchVectorStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One is built, the other a snapshot that is led forward; both say the same, and the live ones say otherwise."""
    models: Sequence[tuple[ReadModel, LiveStore]] = (
        (GraphModel(), graph),
        (VectorModel(history.texts, history.outputs), vector),
    )
    generations = Generations(GenerationRegistry(history.pool), {model.name: store for model, store in models})

    async def made(name: str, position: int, *, from_near: bool) -> dict[str, RegisteredGeneration]:
        await make_as_of(
            models, name, position, generations, history.reader, topics(), lambda _: None,
            expires_s=3600, from_near=from_near,
        )  # fmt: skip
        return {one.read_model: one for one in await generations.registry.all() if one.purpose == name}

    monkeypatch.setattr(as_of, "NEAR", 1.0)
    await history.tell(HARBOUR)
    snapshot = await made("snapshot", await history.reader.head() - 1, from_near=False)
    await history.merge("Ada", "Bob")
    position = await history.reader.head()
    await history.delete(HARBOUR)
    await history.tell(MARKET)
    for model, store in models:
        await follow(Projector(model, store, history.reader), history)
    taken = await made("taken", position, from_near=True)
    assert {one.id for one in taken.values()} == {one.id for one in snapshot.values()}
    built = await made("built", position, from_near=False)
    for model, _ in models:
        stores = [generations.of(of[model.name]).store for of in (taken, built)]
        assert await digests(stores[0]) == await digests(stores[1])

    for of in (taken, built):
        past = Neo4jGraph(graph.driver, graph.generation(of["graph"].id).store.name)
        assert [one.passages for one in await past.find("default", ["Bob"])] == [2]
        assert await past.find("default", ["Ada"]) == await past.find("default", ["Bob"])
        assert await past.find("default", ["Dora"]) == []
        assert {one.chunk_id for one in (await past.snapshot("default")).mentions} == {
            chunk.chunk_id for chunk in HARBOUR.chunks
        }
        passages = OpenSearchPassages(vector.client, vector.generation(of["vector"].id).store.alias)
        assert [one.text for one in await passages.of_document("default", "harbour")] == list(HARBOUR.sentences)
        assert len(await passages.matching("default", "Cleo", 9)) == 1
        assert await passages.of_document("default", "market") == []
    assert await Neo4jGraph(graph.driver).find("default", ["Cleo"]) == []
    assert await OpenSearchPassages(vector.client, vector.name).of_document("default", "harbour") == []
