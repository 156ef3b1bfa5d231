"""Read models in PostgreSQL as tables: what is documented, of one moment, also when a replay switches meanwhile."""

import re
from pathlib import Path

import pytest

from projections.exported import TableReader
from projections.graph.exported import TABLES as GRAPH_TABLES
from projections.postgres.exported import PostgresTables
from projections.projector import Projector
from projections.relational.exported import TABLES as RELATIONAL_TABLES
from projections.vector.exported import TABLES as VECTOR_TABLES
from tests.projections.contract.exported import (
    ONE,
    ExportedGraphContract,
    ExportedPassagesContract,
    pairs,
    read,
)
from tests.projections.history import History
from tests.projections.models import open_model
from tests.projections.stories import Story

TABLES = [*RELATIONAL_TABLES, *GRAPH_TABLES, *VECTOR_TABLES]


class TestGraph(ExportedGraphContract):
    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        return (await open_model("graph", history)).projector

    @pytest.fixture
    def reader(self, history: History) -> TableReader:
        return PostgresTables(history.pool, GRAPH_TABLES, "graph")


class TestPassages(ExportedPassagesContract):
    @pytest.fixture
    async def projector(self, history: History) -> Projector:
        return (await open_model("vector", history)).projector

    @pytest.fixture
    def reader(self, history: History) -> TableReader:
        return PostgresTables(history.pool, VECTOR_TABLES, "vector")


async def test_the_relational_tables(history: History) -> None:
    live = await open_model("relational", history)
    await history.tell(ONE, Story("one", ("Eve ran.",), tenant="foreign"))
    await history.ask("q1", documents=("one",))
    await live.everything()
    reader = PostgresTables(history.pool, RELATIONAL_TABLES, "relational")
    found = {one.name: await read(reader, "default", one.name) for one in reader.tables}
    (document,) = found["documents"]
    assert (document["document_id"], document["stage"], document["title"]) == ("one", "processed", "Harbour")
    assert document["attributes"] == '{"sentences": 2}' and document["characters"] == len(ONE.text)
    assert pairs(found["chunks"], "index", "chunk_id") == [(one.index, one.chunk_id) for one in ONE.chunks]
    mentions = ONE.extracted.mentions
    assert pairs(found["mentions"], "name", "start_at") == sorted((one.name, one.start) for one in mentions)
    assert pairs(found["relations"], "relation_id") == sorted((one.relation_id,) for one in ONE.related.relations)
    assert pairs(found["entities"], "name") == [("Ada",), ("Bob",), ("Cleo",), ("Harbour",)]
    assert pairs(found["questions"], "query_id", "answered") == [("q1", True)]


async def test_a_switch_meanwhile_changes_nothing_of_what_is_read(history: History) -> None:
    """All tables are opened before the first is read."""
    live = await open_model("relational", history)
    await history.tell(ONE)
    await live.everything()
    reader = PostgresTables(history.pool, RELATIONAL_TABLES, "relational")
    async with reader.opened("default", ["documents", "mentions"]) as opened:
        await history.tell(Story("late", ("Gus met Hal.",)))
        generation = await history.pool.fetchval("SELECT to_regnamespace('relational')::oid")
        # Dropping the old generation has to wait for whoever reads it; it is renamed at once.
        async with history.pool.acquire() as connection:
            await connection.execute("ALTER SCHEMA relational RENAME TO relational_before")
            await connection.execute("CREATE SCHEMA relational")
        assert await history.pool.fetchval("SELECT to_regnamespace('relational')::oid") != generation
        read_now = {one.table.name: [row async for batch in one.batches for row in batch] for one in opened}
    assert [row[1] for row in read_now["documents"]] == ["one"]
    assert len(read_now["mentions"]) == len(ONE.extracted.mentions)


def test_every_column_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "read-models.md").read_text("utf-8")
    for table in TABLES:
        section = text.partition(f"### `{table.name}`")[2].partition("\n##")[0]
        documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
        assert documented == [column.name for column in table.columns], table.name


def test_dashboards_see_the_same_columns() -> None:
    folder = Path(__file__).parents[2] / "projections" / "dashboards"
    sql = "".join((folder / name).read_text("utf-8") for name in ("relational.sql", "graph.sql"))
    for table in [*RELATIONAL_TABLES, *GRAPH_TABLES]:
        columns = re.search(rf"read_{table.name}\(\) RETURNS TABLE \(([^)]*)\)", sql)
        assert columns is not None, table.name
        names = [one.split()[0] for one in columns[1].split(",")]
        assert names == [column.name for column in table.columns]
