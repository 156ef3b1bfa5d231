"""A read model of the past as tables: those of its generation, by the rights of today."""

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

import pytest

from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases
from projections.exported import ExportedTable
from services.caller import Caller
from services.errors import AccessDeniedError, InvalidRequestError
from services.past.generations import IncompleteGenerationError, UnknownGenerationError
from tests.projections.history import History
from tests.projections.stories import Story
from tests.services.past.making import ALL, CALLER, live_on, make, soon
from tests.services.test_visibility import only

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")


async def exported(
    use_cases: UseCases, model: str, at: str | None, caller: Caller = CALLER, names: Sequence[str] = ()
) -> dict[str, list[dict[str, str]]]:
    """The rows of each table, as its file has them."""
    files: dict[str, str] = {}

    @contextlib.contextmanager
    def into(one: ExportedTable) -> Iterator[BinaryIO]:
        raw = io.BytesIO()
        yield raw
        files[one.name] = raw.getvalue().decode()

    written = await use_cases.operations.tables.export(
        caller, model, names, at=at, file_format="csv", into=into, deadline=soon()
    )
    found = {name: list(csv.DictReader(io.StringIO(text))) for name, text in files.items()}
    assert {name: len(rows) for name, rows in found.items()} == {one.table: one.rows for one in written}
    return found


async def test_every_table_is_as_it_was(stores: Stores, use_cases: UseCases, history: History) -> None:
    """To the byte what was exported then, whatever came since."""
    await history.tell(HARBOUR)
    await live_on(stores, history)
    then = {model: await exported(use_cases, model, None) for model in ALL}
    position = await history.reader.head()
    await history.delete(HARBOUR)
    await history.tell(MARKET)
    await live_on(stores, history)
    await make(use_cases, "monday", position)
    for model in ALL:
        assert await exported(use_cases, model, "monday") == then[model]
        assert await exported(use_cases, model, None) != then[model]
    assert {row["document_id"] for row in then["relational"]["documents"]} == {"harbour"}
    assert {row["document_id"] for row in then["vector"]["passages"]} == {"harbour"}
    assert "Cleo" in {row["title"] for row in then["graph"]["graph_nodes"]}
    only_one = await exported(use_cases, "relational", "monday", names=["documents"])
    assert only_one == {"documents": then["relational"]["documents"]}


async def test_rights_are_the_caller_s_of_today(use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    await make(use_cases, "monday", await history.reader.head())
    for caller in (only("hr"), only("hr", masked=("uri",))):
        for model in ALL:
            with pytest.raises(AccessDeniedError):
                await exported(use_cases, model, "monday", caller)
    other = await exported(use_cases, "relational", "monday", replace(CALLER, tenant="other"))
    assert not any(other.values())


async def test_what_is_not_there_is_named(use_cases: UseCases, history: History) -> None:
    await history.tell(HARBOUR)
    await use_cases.past.generations.make(CALLER, "graphs", 1, ("graph",), lambda _: None, deadline=soon())
    assert set(await exported(use_cases, "graph", "graphs")) == {"graph_nodes", "graph_edges"}
    with pytest.raises(IncompleteGenerationError, match="has no vector read model"):
        await exported(use_cases, "vector", "graphs")
    with pytest.raises(UnknownGenerationError, match="there is no generation 'nowhere'"):
        await exported(use_cases, "graph", "nowhere")
    with pytest.raises(InvalidRequestError, match="no table 'things'"):
        await exported(use_cases, "graph", "graphs", names=["things"])
    await history.pool.execute("UPDATE annals.generations SET expires_at = now() WHERE purpose = 'graphs'")
    with pytest.raises(UnknownGenerationError):
        await exported(use_cases, "graph", "graphs")
