"""The graph in Neo4j and passages in OpenSearch as tables: the same as in PostgreSQL."""

import pytest

from projections.errors import ReadModelReplacedError
from projections.exported import TableReader
from projections.graph.model import GraphModel
from projections.graph.neo4j.connection import Neo4jDriver
from projections.graph.neo4j.exported import Neo4jTables
from projections.graph.neo4j.live import LiveNeo4jGraphStore
from projections.projector import Projector
from projections.vector.model import VectorModel
from projections.vector.opensearch.exported import OpenSearchTables
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from tests.projections.contract.exported import (
    ONE,
    TWO,
    ExportedGraphContract,
    ExportedPassagesContract,
    read,
)
from tests.projections.contract.folding import follow
from tests.projections.history import History


class TestGraph(ExportedGraphContract):
    @pytest.fixture
    async def projector(self, history: History, graph_driver: Neo4jDriver) -> Projector:
        store = LiveNeo4jGraphStore(graph_driver)
        await store.open()
        return Projector(GraphModel(), store, history.reader)

    @pytest.fixture
    def reader(self, graph_driver: Neo4jDriver) -> TableReader:
        return Neo4jTables(graph_driver)

    async def test_what_was_written_while_it_was_read_is_told(
        self, projector: Projector, reader: TableReader, history: History
    ) -> None:
        await history.tell(ONE)
        await follow(projector, history)
        with pytest.raises(ReadModelReplacedError):
            async with reader.opened("default", ["graph_nodes"]):
                await history.tell(TWO)
                await follow(projector, history)
        assert "Dora" in {row["title"] for row in await read(reader, "default", "graph_nodes")}


class TestPassages(ExportedPassagesContract):
    @pytest.fixture
    async def projector(self, history: History, store: LiveOpenSearchVectorStore) -> Projector:
        return Projector(VectorModel(history.texts, history.outputs), store, history.reader)

    @pytest.fixture
    def reader(self, store: LiveOpenSearchVectorStore) -> TableReader:
        return OpenSearchTables(store.client, store.name)
