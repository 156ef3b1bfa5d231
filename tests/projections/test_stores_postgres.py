"""The three read models in PostgreSQL keep what every store must keep."""

import pytest

from projections.changes import ReadModel
from projections.errors import OldSchemaError
from projections.graph.model import LAYOUT as GRAPH
from projections.graph.model import GraphModel
from projections.postgres.live import LivePostgresStore
from projections.relational.model import LAYOUT as RELATIONAL
from projections.relational.model import RelationalModel
from projections.store import LiveStore
from projections.vector.model import VectorModel
from projections.vector.postgres import VectorStore
from tests.projections.contract.generation import GenerationContract
from tests.projections.contract.store import StoreContract
from tests.projections.history import History


class TestRelational(StoreContract, GenerationContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return RelationalModel()

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        store = LivePostgresStore(history.pool, RELATIONAL)
        await store.open()
        return store


class TestGraph(StoreContract, GenerationContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return GraphModel()

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        store = LivePostgresStore(history.pool, GRAPH)
        await store.open()
        return store


class TestVector(StoreContract, GenerationContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return VectorModel(history.texts, history.outputs)

    @pytest.fixture
    async def store(self, history: History, model: ReadModel) -> LiveStore:
        store = VectorStore(history.pool)
        await store.open()
        return store


async def test_tables_of_another_schema_version_are_not_written(history: History) -> None:
    store = LivePostgresStore(history.pool, GRAPH)
    await store.open()
    await history.pool.execute("UPDATE graph.generation SET schema_version = schema_version + 1")
    with pytest.raises(OldSchemaError, match="annals replay graph"):
        await store.open()
