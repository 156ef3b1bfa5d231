"""From a built generation to the live one while events keep coming: a large rest is never taken in under the lock."""

import asyncio
import contextlib

import asyncpg
import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.generations import RegisteredGeneration
from projections import catch_up, switching
from projections.catch_up import CatchUp
from projections.errors import SwitchDeferredError
from projections.postgres import generation
from projections.postgres.generation import PostgresGeneration
from projections.postgres.live import LivePostgresStore
from projections.replay import replay
from projections.switching import StillHeld, Successor, switch_together
from tests.projections.contract.switching import switch
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, generations, generations_of, open_model
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")


def story(number: int) -> Story:
    """One of many."""
    return Story(f"d{number}", (f"Ada met Bob{number}.",), title="Market")


@pytest.fixture(params=NAMES)
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model in turn, with a document in it."""
    opened = await open_model(request.param, history)
    await history.tell(HARBOUR)
    await opened.everything()
    return opened


async def held() -> None:
    """Nobody else is there."""


async def built(live: LiveModel) -> tuple[RegisteredGeneration, PostgresGeneration]:
    """An empty generation that says it is at the log's beginning."""
    registered, made = await live.generations.begin(live.model.name, "next", expires_s=60)
    assert isinstance(made, PostgresGeneration)
    await made.begin()
    await made.finish({})
    return registered, made


async def switched(
    live: LiveModel,
    registered: RegisteredGeneration,
    following: CatchUp,
    still_held: StillHeld = held,
    limit_s: float = 60,
) -> None:
    """The switch to it; nothing is kept."""
    await switch_together([Successor(registered, following)], live.generations, still_held, keep_s=0, limit_s=limit_s)
    await live.generations.remove_expired()


async def test_a_rest_that_is_not_small_is_taken_in_without_the_lock(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REST", 4)
    monkeypatch.setattr(catch_up, "LITTLE", 0)
    registered, made = await built(live)
    switches: list[int] = []

    class Crowded(CatchUp):
        """Between the first catching up and the lock more comes than may be taken in under it."""

        async def most(self, end: float) -> None:
            await super().most(end)
            switches.append(len(switches))
            if len(switches) == 1:
                await history.tell(story(1), story(2))

    await switched(live, registered, Crowded(live.model, made, history.reader, topics(), 0))
    assert len(switches) == 2, "given back once, and tried again"
    await live.everything()
    assert (await live.verify()).difference is None
    assert await generations(history) == {live.model.name}


async def test_what_never_gets_small_comes_to_an_end(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up, "REST", 0)
    monkeypatch.setattr(catch_up, "LITTLE", 0)
    registered, made = await built(live)
    before = await live.digests()

    class Busy(CatchUp):
        """Something always comes before the lock is had."""

        async def most(self, end: float) -> None:
            await super().most(end)
            await history.delete(HARBOUR)
            await history.ingest(HARBOUR)

    with pytest.raises(SwitchDeferredError, match=r"events came before the switch|events come faster"):
        await switched(live, registered, Busy(live.model, made, history.reader, topics(), 0), limit_s=1)
    assert await live.digests() == before
    await live.everything()


async def test_a_last_step_that_takes_too_long_gives_the_lock_back(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switching, "LOCK_LIMIT_S", 0.3)
    registered, made = await built(live)
    slow = asyncio.Event()
    times = 0

    async def hangs_once() -> None:
        nonlocal times
        times += 1
        if times == 1:
            slow.set()
            await asyncio.Event().wait()

    going = asyncio.create_task(
        switched(live, registered, CatchUp(live.model, made, history.reader, topics(), 0), hangs_once)
    )
    await slow.wait()
    async with asyncio.timeout(20):
        await live.everything()
        await going
    assert times == 2
    assert (await live.verify()).difference is None


async def test_a_replay_ends_beside_steady_events(live: LiveModel, history: History) -> None:
    """What the live one and the rebuilt one are given goes on the whole time."""
    done = asyncio.Event()

    async def live_on() -> None:
        number = 0
        while not done.is_set():
            number += 1
            await history.tell(story(number))
            await live.everything()

    async with asyncio.TaskGroup() as group, asyncio.timeout(120):
        group.create_task(live_on())
        for _ in range(3):
            await live.replay()
        done.set()
    await live.everything()
    assert (await live.verify()).difference is None


async def test_a_process_that_is_stopped_in_the_switch_holds_nobody_up(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends the transaction that is idle; what the process does when it goes on again is refused."""
    monkeypatch.setattr(generation, "IDLE_LIMIT_S", 1.0)
    _, made = await built(live)
    stopped, goes_on = asyncio.Event(), asyncio.Event()

    async def stop() -> None:
        stopped.set()
        await goes_on.wait()

    going = asyncio.create_task(switch(made, history.pool, stop))
    await stopped.wait()
    await history.tell(story(1))
    async with asyncio.timeout(20):
        await live.everything()
    goes_on.set()
    with pytest.raises(StoreUnavailableError):
        await going
    assert (await live.verify()).difference is None


async def test_a_writer_that_does_not_end_defers_the_switch(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "TURN_LIMIT_S", 1.0)
    _, made = await built(live)
    assert isinstance(live.store, LivePostgresStore)
    async with history.pool.acquire() as connection, connection.transaction():
        await live.store.lock(connection)
        with pytest.raises(SwitchDeferredError, match="was written for more than 1 s"):
            await switch(made, history.pool)
    await switch(made, history.pool)


async def test_a_reader_of_the_old_one_does_not_hold_a_replay_up(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be a process that is stopped. Its tables go with the next replay."""
    monkeypatch.setattr(generation, "DROP_LIMIT_S", 1.0)
    name = live.model.name
    async with history.pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {name}.versions IN ACCESS SHARE MODE")
            async with asyncio.timeout(60):
                await live.replay()
                await live.replay()
        assert len(await generations(history)) > 1
        await live.replay()
    assert await generations(history) == {name}


class Stubborn(PostgresGeneration):
    """Cannot be dropped."""

    async def discard(self) -> None:
        """Fails."""
        raise asyncpg.PostgresError("no right to drop it")


async def test_a_generation_that_cannot_be_dropped_does_not_hide_the_cause(
    history: History, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are dropped all the same."""
    first, second = [await open_model(name, history) for name in ("relational", "graph")]
    assert isinstance(first.store, LivePostgresStore)
    monkeypatch.setattr(first.store, "generation", lambda generation_id: Stubborn(first.store, generation_id))

    def fail(_: int) -> None:
        raise ZeroDivisionError("the cause")

    await history.tell(HARBOUR)
    with pytest.raises(ZeroDivisionError, match="the cause"):
        models = [(one.model, one.store) for one in (first, second)]
        await replay(models, generations_of(history, *models), history.reader, topics(), fail)
    (left,) = await first.generations.registry.all()
    assert (left.read_model, left.purpose, left.state) == ("relational", "next", "dropping")
    assert await generations(history) == {"relational", "graph", f"relational_{left.id}"}
    assert "relational: what was being built is left behind" in caplog.text


async def test_the_lock_is_looked_at_right_before_the_switch(live: LiveModel, history: History) -> None:
    before, name = await live.digests(), await live.store.content_tag("default")

    async def lost() -> None:
        raise StoreUnavailableError("the lock was lost")

    with contextlib.suppress(StoreUnavailableError):
        await replay([(live.model, live.store)], live.generations, history.reader, topics(), lambda _: None, lost)
    assert (await live.digests(), await live.store.content_tag("default")) == (before, name)
    left = await live.generations.registry.find(live.model.name, "next")
    assert left is not None and left.state == "ready", "for the next replay"
    assert await generations(history) == {live.model.name, f"{live.model.name}_{left.id}"}
