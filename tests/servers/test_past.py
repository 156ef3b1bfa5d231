"""Generations as of a position in Neo4j and OpenSearch: built, led forward from a snapshot, and read by their names."""

from collections.abc import Sequence

import pytest

from contracts.topics import topics
from eventstore.generations import GenerationRegistry, RegisteredGeneration
from projections import as_of
from projections.as_of import make_as_of
from projections.changes import ReadModel
from projections.generations import Generations
from projections.graph.model import GraphModel
from projections.graph.neo4j.connection import Neo4jDriver
from projections.graph.neo4j.exported import Neo4jTables
from projections.graph.neo4j.live import LiveNeo4jGraphStore
from projections.graph.neo4j.reader import Neo4jGraph
from projections.projector import Projector
from projections.store import LiveStore
from projections.vector.model import VectorModel
from projections.vector.opensearch.exported import OpenSearchTables
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from projections.vector.opensearch.reader import OpenSearchPassages
from tests.projections.contract.exported import read
from tests.projections.contract.folding import digests, follow
from tests.projections.history import History
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")


@pytest.fixture
async def graph(graph_driver: Neo4jDriver) -> LiveNeo4jGraphStore:
    """The live graph, with nothing in it."""
    store = LiveNeo4jGraphStore(graph_driver)
    await store.open()
    return store


async def test_they_are_read_as_they_were(
    history: History,
    graph: LiveNeo4jGraphStore,
    store: LiveOpenSearchVectorStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One is built, the other a snapshot that is led forward; both say the same, and the live ones say otherwise."""
    models: Sequence[tuple[ReadModel, LiveStore]] = (
        (GraphModel(), graph),
        (VectorModel(history.texts, history.outputs), store),
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
    for model, live in models:
        await follow(Projector(model, live, history.reader), history)
    taken = await made("taken", position, from_near=True)
    assert {one.id for one in taken.values()} == {one.id for one in snapshot.values()}
    built = await made("built", position, from_near=False)
    for model, _ in models:
        stores = [generations.of(of[model.name]).store for of in (taken, built)]
        assert await digests(stores[0]) == await digests(stores[1])

    for of in (taken, built):
        name = graph.generation(of["graph"].id).store.name
        past = Neo4jGraph(graph.driver, name)
        assert [one.passages for one in await past.find("default", ["Bob"])] == [2]
        assert await past.find("default", ["Ada"]) == await past.find("default", ["Bob"])
        assert await past.find("default", ["Dora"]) == []
        assert {one.chunk_id for one in (await past.snapshot("default")).mentions} == {
            chunk.chunk_id for chunk in HARBOUR.chunks
        }
        passages = OpenSearchPassages(store.client, store.generation(of["vector"].id).store.alias)
        assert [one.text for one in await passages.of_document("default", "harbour")] == list(HARBOUR.sentences)
        assert len(await passages.matching("default", "Cleo", 9)) == 1
        assert await passages.of_document("default", "market") == []
        nodes = await read(Neo4jTables(graph.driver, name), "default", "graph_nodes")
        assert "Cleo" in {row["title"] for row in nodes} and "Dora" not in {row["title"] for row in nodes}
        tables = OpenSearchTables(store.client, store.generation(of["vector"].id).store.alias)
        assert {row["document_id"] for row in await read(tables, "default", "passages")} == {"harbour"}
    assert await Neo4jGraph(graph.driver).find("default", ["Cleo"]) == []
    assert await OpenSearchPassages(store.client, store.name).of_document("default", "harbour") == []
