"""Replay: built beside the live one from the log alone, switched to in one step. A failure leaves the live one."""

import asyncio
import random

import pytest

from contracts.topics import topics
from projections.errors import UnfoldableEventError
from projections.replay import replay
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, generations, open_model
from tests.projections.randomly import live_randomly
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo.", "Cleo sang."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")


@pytest.fixture(params=NAMES)
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model in turn."""
    return await open_model(request.param, history)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_replay_says_what_live_processing_said(live: LiveModel, history: History, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(3):
        await live_randomly(history, chance, steps=12)
        await live.everything()
    before, name = await live.digests(), await live.store.content_tag("default")
    found = await live.verify()
    assert found.difference is None

    assert await live.replay() == found.rows
    assert await live.digests() == before
    assert await live.store.content_tag("default") != name
    assert await live.store.positions() == await live.log_positions()
    assert await live.verify() == found
    assert await generations(history) == {live.model.name}


async def test_a_replay_of_nothing(live: LiveModel, history: History) -> None:
    assert await live.replay() == 0
    found = await live.verify()
    assert (found.rows, found.difference) == (0, None)


async def test_a_read_model_that_was_never_there_is_made(live: LiveModel, history: History) -> None:
    await history.tell(HARBOUR, MARKET)
    await history.pool.execute(f"DROP SCHEMA {live.model.name} CASCADE")
    assert await live.replay() > 0
    assert (await live.verify()).difference is None


async def test_a_replayed_read_model_is_written_to_as_before(live: LiveModel, history: History) -> None:
    """By projectors that were there before the switch."""
    await history.tell(HARBOUR)
    await live.everything()
    await live.replay()
    await history.tell(MARKET)
    await history.delete(HARBOUR)
    await live.everything()
    assert (await live.verify()).difference is None


async def test_a_failing_replay_leaves_the_live_one(history: History) -> None:
    """Live processing set the event aside; a replay says that it cannot build without it."""
    live = await open_model("vector", history)
    await history.tell(HARBOUR, MARKET)
    await live.everything()
    before, positions, name = (
        await live.digests(),
        await live.store.positions(),
        await live.store.content_tag("default"),
    )
    await history.outputs.clear(HARBOUR.embedder)

    with pytest.raises(UnfoldableEventError, match="is not kept any more"):
        await live.replay()
    assert await live.digests() == before
    assert await live.store.positions() == positions
    assert await live.store.content_tag("default") == name
    assert await generations(history) == {"vector"}


async def test_a_cancelled_replay_leaves_the_live_one_and_goes_on_later(live: LiveModel, history: History) -> None:
    await history.tell(HARBOUR)
    await live.everything()
    before = await live.digests()
    loaded = asyncio.Event()
    task = asyncio.create_task(
        replay([(live.model, live.store)], live.generations, history.reader, topics(), lambda _: loaded.set())
    )
    await loaded.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await live.digests() == before
    left = await live.generations.registry.find(live.model.name, "next")
    assert left is not None and not left.leased
    assert await generations(history) == {live.model.name, f"{live.model.name}_{left.id}"}
    await live.replay()
    now = await live.generations.registry.live(live.model.name)
    assert now is not None and now.id == left.id
    assert await live.digests() == before
    assert await generations(history) == {live.model.name}


async def test_an_abandoned_generation_is_no_hindrance(live: LiveModel, history: History) -> None:
    """As a killed process leaves it."""
    await history.tell(HARBOUR)
    await live.everything()
    _, abandoned = await live.generations.begin(live.model.name, "next", expires_s=60)
    await abandoned.begin()
    await live.replay()
    assert (await live.verify()).difference is None
    assert await generations(history) == {live.model.name}
