"""Snapshots by schedule: one at a time, made of the former, whoever else would make one too."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from annals.composition.past import keep_snapshots
from annals.composition.stores import Stores
from annals.composition.use_cases import UseCases
from contracts.errors import AnnalsError
from eventstore.generations import RegisteredGeneration
from eventstore.locks import holding
from projections import as_of
from projections.as_of import SNAPSHOT
from projections.replay import build
from services.past import snapshots
from tests.projections.history import History
from tests.projections.stories import Story
from tests.services.past.making import live_on, make

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")
HOUR_S = 3600.0


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The read models that are built from nothing."""
    names = list[str]()

    async def building(models: Sequence[Any], *args: Any, **options: Any) -> dict[str, int]:
        names.extend(model.name for model, _ in models)
        return await build(models, *args, **options)

    monkeypatch.setattr(as_of, "build", building)
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    return names


async def there(stores: Stores) -> list[RegisteredGeneration]:
    return [one for one in await stores.generations.registry.all() if one.purpose == SNAPSHOT]


async def test_one_is_kept_and_the_next_is_made_of_it(stores: Stores, history: History, built: list[str]) -> None:
    keeping = keep_snapshots(stores)
    await history.tell(HARBOUR)
    await live_on(stores, history)
    first = await history.reader.head()
    assert await keeping.make(HOUR_S) == first
    before = await there(stores)
    assert {(one.read_model, one.as_of, one.state) for one in before} == {
        (name, first, "ready") for name in stores.projections
    }
    await history.tell(MARKET)
    assert await keeping.make(HOUR_S) is None, "it is not due"
    built.clear()
    assert await keeping.make(2 * HOUR_S) == await history.reader.head()
    after = await there(stores)
    assert {one.id for one in after} == {one.id for one in before}
    assert built == [] and {one.as_of for one in after} == {await history.reader.head()}


async def test_an_as_of_begins_with_it(stores: Stores, use_cases: UseCases, history: History, built: list[str]) -> None:
    await history.tell(HARBOUR)
    await keep_snapshots(stores).make(HOUR_S)
    (ids, built[:]) = {one.id for one in await there(stores)}, []
    position = await history.reader.head()
    await history.tell(MARKET)
    made = await make(use_cases, "before", position)
    assert {one.id for one in made.parts.values()} == ids and built == []
    assert await keep_snapshots(stores).make(HOUR_S) == await history.reader.head(), "it is gone, and the next is due"


async def test_one_that_is_far_away_is_replaced(
    stores: Stores, history: History, built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await history.tell(HARBOUR)
    await keep_snapshots(stores).make(HOUR_S)
    (ids, built[:]) = {one.id for one in await there(stores)}, []
    await history.tell(MARKET)
    monkeypatch.setattr(as_of, "NEAR", 0.0)
    await keep_snapshots(stores).make(2 * HOUR_S)
    now = await there(stores)
    assert len(now) == 3 and not ids & {one.id for one in now} and set(built) == set(stores.projections)


async def test_another_process_makes_it(stores: Stores, history: History) -> None:
    await history.tell(HARBOUR)
    async with holding(stores.dsn, [SNAPSHOT]):
        assert await keep_snapshots(stores).make(HOUR_S) is None
    assert await there(stores) == []


async def test_what_goes_wrong_is_tried_again_and_none_is_made_without_an_interval(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping, tried = keep_snapshots(stores), asyncio.Event()
    await keeping.keep_made(0.0)
    calls = list[float]()

    async def failing(every_s: float) -> int:
        calls.append(every_s)
        if len(calls) == 1:
            raise AnnalsError("the database is away; see: annals status")
        tried.set()
        return 7

    monkeypatch.setattr(snapshots, "FIRST_S", 0.0)
    monkeypatch.setattr(keeping, "make", failing)
    task = asyncio.create_task(keeping.keep_made(0.001))
    async with asyncio.timeout(30):
        await tried.wait()
    task.cancel()
    assert calls[:2] == [0.001, 0.001]
