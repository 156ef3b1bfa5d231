"""The graph in PostgreSQL answers as every graph must, also when it is replaced in the middle of an answer."""

import asyncio

import pytest

from projections.graph import postgres
from projections.graph.model import LAYOUT, GraphModel
from projections.graph.postgres import PostgresGraph
from projections.graph.reads import GraphReader
from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from tests.projections.contract.graph import GraphReaderContract
from tests.projections.history import History
from tests.projections.models import open_model
from tests.projections.stories import Story
from tests.projections.waiting import eventually

_LIVE = "SELECT oid FROM pg_namespace WHERE nspname = 'graph'"


class TestGraphReader(GraphReaderContract):
    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        store = LivePostgresStore(history.pool, LAYOUT)
        await store.open()
        return Projector(GraphModel(), store, history.reader)

    @pytest.fixture
    def graph(self, history: History) -> GraphReader:
        return PostgresGraph(history.pool)


async def test_a_snapshot_is_of_one_generation(history: History) -> None:
    """The switch comes when half of it has been read: the other half would be read from tables that look empty."""
    live = await open_model("graph", history)
    await history.tell(Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour"))
    await live.everything()
    graph = PostgresGraph(history.pool)
    whole = await graph.snapshot("default")
    generation = await history.pool.fetchval(_LIVE)

    async with history.pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE graph.mentions")
        reading = asyncio.create_task(graph.snapshot("default"))
        await eventually(
            history, "SELECT count(*) FROM pg_locks WHERE relation = 'graph.mentions'::regclass AND NOT granted"
        )
        replay = asyncio.create_task(live.replay())
        await eventually(history, f"SELECT ({_LIVE}) <> {generation}")
    assert await reading == whole
    await replay


@pytest.mark.parametrize("at_once", [0, 4, 5, 2_000])
async def test_names_of_many_passages_are_found_as_those_of_few(
    history: History, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Three passages are about one name and two about another: read in one walk, or name by name."""
    live = await open_model("graph", history)
    await history.tell(
        Story("harbour", ("Ada met Bob.", "Bob saw Cleo.", "Bob slept."), title="Harbour"),
        Story("market", ("Cleo knew Dora.", "Edgar sleeps."), title="Market"),
    )
    await live.everything()
    graph, keys = PostgresGraph(history.pool), ["market", "nowhere", "", "harbour"]
    wanted = await graph.named("default", keys, 2)
    monkeypatch.setattr(postgres, "NAMED_AT_ONCE", at_once)

    found = await graph.named("default", keys, 2)
    assert sorted(found) == sorted(wanted)
    assert sorted(one.name for one in found) == ["Harbour", "Harbour", "Market", "Market"]
