"""Dashboards of others: one tenant's rows, read through views that stay through every replay."""

import itertools
from pathlib import Path

import asyncpg
import pytest

from projections.dashboards.readers import (
    DashboardReaders,
    ReaderExistsError,
    ReaderNameError,
    ReaderNotFoundError,
)
from tests.projections.history import History
from tests.projections.models import LiveModel, open_model
from tests.projections.stories import Story

OURS = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour", tenant="ours")
THEIRS = Story("market", ("Dora met Ada.",), title="Market", tenant="theirs")
LIVE = ("relational", "graph")
VIEWS = ("documents", "chunks", "entities", "mentions", "relations", "questions", "graph_nodes", "graph_edges")
DOCUMENT = Path(__file__).parents[2] / "docs" / "read-models.md"
_NUMBERS = itertools.count(1)


@pytest.fixture
def name() -> str:
    """Roles belong to the whole server, which tests share."""
    return f"r{next(_NUMBERS)}"


@pytest.fixture
async def live(history: History) -> list[LiveModel]:
    """Both read models, with a document of each tenant."""
    models = [await open_model(model, history) for model in LIVE]
    await history.tell(OURS, THEIRS)
    for model in models:
        await model.everything()
    return models


@pytest.fixture
def readers(history: History) -> DashboardReaders:
    """Over the same database."""
    return DashboardReaders(history.pool, LIVE)


async def connect(dsn: str, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    """As a dashboard does; on its socket the test's server asks for no password."""
    return await asyncpg.connect(dsn.replace("postgres@", f"{role}@"), timeout=10)


async def rows(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, list[tuple[object, ...]]]:
    """All that the views show."""
    return {
        view: sorted((tuple(row) for row in await connection.fetch(f"SELECT * FROM {view}")), key=repr)
        for view in VIEWS
    }


async def test_a_reader_sees_its_tenant_and_nothing_else(
    live: list[LiveModel], readers: DashboardReaders, dsn: str, name: str
) -> None:
    added = await readers.add("ours", name)
    connection = await connect(dsn, added.reader.role)
    try:
        seen = await rows(connection)
        assert {row[0] for shown in seen.values() for row in shown} == {"ours"}
        assert [row[1] for row in seen["documents"]] == ["harbour"]
        assert all(seen[view] for view in VIEWS if view != "questions")
        # Not by way of the tables either, nor by taking the group's role.
        assert await connection.fetchval("SELECT count(*) FROM relational.documents") == 1
        await connection.execute("SET ROLE annals_reader")
        assert await connection.fetchval("SELECT count(*) FROM relational.documents") == 1
        await connection.execute("RESET ROLE")
        await connection.execute("SET default_transaction_read_only = off")
        for forbidden in (
            "SELECT * FROM annals.stored_events",
            "SELECT * FROM dashboards.readers",
            "DELETE FROM relational.documents",
            "SELECT dashboards.share('annals')",
            "ALTER TABLE relational.documents DISABLE ROW LEVEL SECURITY",
            "CREATE TABLE dashboards.mine (x int)",
        ):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)):
                await connection.execute(forbidden)
    finally:
        await connection.close()


async def test_views_stay_through_replays(
    live: list[LiveModel], readers: DashboardReaders, dsn: str, name: str, history: History
) -> None:
    """Also for a connection, a prepared statement and a view of its own that were there before."""
    role = (await readers.add("ours", name)).reader.role
    await history.pool.execute("CREATE VIEW public.titles AS SELECT title FROM dashboards.documents")
    connection = await connect(dsn, role)
    try:
        prepared = await connection.prepare("SELECT title FROM documents WHERE document_id = $1")
        before = await rows(connection)
        assert await prepared.fetchval("harbour") == "Harbour"
        for model in live:
            await model.replay()
        assert await rows(connection) == before
        await history.tell(Story("harbour", ("Ada met Eve.",), title="Quay", tenant="ours"))
        for model in live:
            await model.everything()
        assert await prepared.fetchval("harbour") == "Quay"
        assert await rows(connection) != before
    finally:
        await connection.close()
    assert "Quay" in {row["title"] for row in await history.pool.fetch("SELECT title FROM public.titles")}


async def test_a_view_is_planned_as_its_tables_are(
    live: list[LiveModel], readers: DashboardReaders, dsn: str, name: str
) -> None:
    """The condition reaches the index; no function reads everything first."""
    connection = await connect(dsn, (await readers.add("ours", name)).reader.role)
    try:
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetch("EXPLAIN SELECT * FROM documents WHERE document_id = 'harbour'")
        text = "\n".join(row[0] for row in plan)
        assert "Function Scan" not in text and "document_id = 'harbour'" in text and "Index" in text
    finally:
        await connection.close()


async def test_readers_are_listed_and_removed(
    live: list[LiveModel], readers: DashboardReaders, dsn: str, name: str
) -> None:
    assert await readers.of_tenant("ours") == []
    added = await readers.add("ours", name)
    assert added.password not in repr(added)
    with pytest.raises(ReaderExistsError):
        await readers.add("theirs", name)
    assert await readers.of_tenant("ours") == [added.reader] and await readers.of_tenant("theirs") == []
    with pytest.raises(ReaderNotFoundError):
        await readers.remove("theirs", name)
    connection = await connect(dsn, added.reader.role)
    await readers.remove("ours", name)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError)):
        await connection.fetch("SELECT 1 FROM documents")
    connection.terminate()
    with pytest.raises(asyncpg.PostgresError):
        await connect(dsn, added.reader.role)
    assert await readers.of_tenant("ours") == []


@pytest.mark.parametrize("wrong", ["", "A", "1a", 'a"b', "a;b", "a" * 41, "ä"])
async def test_a_name_that_no_role_should_have(readers: DashboardReaders, wrong: str) -> None:
    with pytest.raises(ReaderNameError):
        await readers.add("ours", wrong)


async def test_every_column_is_told(
    live: list[LiveModel], readers: DashboardReaders, name: str, history: History
) -> None:
    """docs/read-models.md has a section for each view, and a row for each of its columns, in their order."""
    await readers.add("ours", name)
    columns = await history.pool.fetch(
        "SELECT table_name, column_name FROM information_schema.columns c JOIN information_schema.views v "
        "USING (table_schema, table_name) WHERE table_schema = 'dashboards' ORDER BY table_name, ordinal_position"
    )
    made: dict[str, list[str]] = {}
    for row in columns:
        made.setdefault(row["table_name"], []).append(row["column_name"])
    told: dict[str, list[str]] = {}
    view = ""
    views, _, _ = DOCUMENT.read_text().partition("\n## Export\n")
    for line in views.splitlines():
        if line.startswith("### `"):
            view = line.split("`")[1]
        elif line.startswith("| `"):
            told.setdefault(view, []).append(line.split("`")[1])
    assert told == made
