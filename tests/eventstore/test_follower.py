"""One look at the log for all who follow it: whom an event concerns is woken, and nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from contracts.event_types import EventType
from eventstore import follower as module
from eventstore.follower import LogFollower, open_follower
from tests.projections.history import History
from tests.projections.stories import Story

LONG_S = 30.0
INGESTED, CHUNKED = (str(one) for one in (EventType.DOCUMENT_INGESTED, EventType.DOCUMENT_CHUNKED))


@pytest.fixture
async def follower(history: History, dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LogFollower]:
    """One that is woken by notifications, not by looking unasked."""
    monkeypatch.setattr(module, "LOOK_S", LONG_S)
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    async with open_follower(history.pool, dsn) as found:
        yield found


async def listening(follower: LogFollower) -> None:
    """It has begun: who is behind the whole log is sent back then."""
    await follower.wait("nobody", (), -1, LONG_S)


async def test_whom_an_event_concerns_is_woken_and_nobody_else(follower: LogFollower, history: History) -> None:
    await listening(follower)
    head = await history.reader.head()

    def waits(tenant: str, *types: str) -> "asyncio.Task[None]":
        return asyncio.create_task(follower.wait(tenant, types, head, LONG_S))

    concerned = [waits("ours", INGESTED), waits("ours", CHUNKED, INGESTED)]
    others = [waits("theirs", INGESTED), waits("ours", CHUNKED), waits("ours")]
    await asyncio.sleep(0)
    await history.ingest(Story("d", ("Ada.",), tenant="ours"))
    async with asyncio.timeout(10):
        await asyncio.gather(*concerned)
    assert not any(one.done() for one in others)
    for one in others:
        one.cancel()


async def test_who_is_behind_what_was_told_reads_first(follower: LogFollower, history: History) -> None:
    await listening(follower)
    await history.ingest(Story("d", ("Ada.",), tenant="ours"))
    async with asyncio.timeout(10):
        await follower.wait("ours", (INGESTED,), 0, LONG_S)
        await follower.wait("theirs", (INGESTED,), 0, LONG_S)


async def test_nothing_is_missed_between_two_waits(follower: LogFollower, history: History) -> None:
    """A reader that waits anew after each event sees all of them, though they come while it reads."""
    count, seen, position = 60, 0, await history.reader.head()

    async def appends() -> None:
        for number in range(count):
            await history.ingest(Story(f"d{number}", ("Ada.",), tenant="ours" if number % 2 else "theirs"))

    appending = asyncio.create_task(appends())
    async with asyncio.timeout(LONG_S):
        while seen < count // 2:
            head = await history.reader.head()
            events = await history.reader.seen.of_tenant("ours", {INGESTED}, position, head, 7)
            seen += len(events)
            position = (events[-1].position or 0) if events else head
            if not events:
                await follower.wait("ours", (INGESTED,), position, LONG_S)
    await appending


async def test_a_connection_that_breaks_is_made_again(follower: LogFollower, history: History) -> None:
    await listening(follower)
    head = await history.reader.head()
    waiting = asyncio.create_task(follower.wait("ours", (INGESTED,), head, LONG_S))
    await asyncio.sleep(0)
    await history.pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE query ILIKE 'LISTEN%' AND datname = current_database()"
    )
    # It asks for itself what happened meanwhile.
    async with asyncio.timeout(10):
        await waiting
        waiting = asyncio.create_task(follower.wait("ours", (INGESTED,), head, LONG_S))
        await history.ingest(Story("d", ("Ada.",), tenant="ours"))
        await waiting


async def test_nobody_waits_longer_than_he_wants(follower: LogFollower) -> None:
    async with asyncio.timeout(10):
        await follower.wait("ours", (INGESTED,), 0, 0.05)


class Notified:
    """A connection that says what was appended when it is told to, to the very step of the loop."""

    def __init__(self) -> None:
        self.tell: Callable[..., None] = lambda: None

    def add_termination_listener(self, _: object) -> None:
        """It never ends."""

    async def add_listener(self, _: str, told: Callable[..., None]) -> None:
        """Keep whom to tell."""
        self.tell = told

    def is_closed(self) -> bool:
        """Never."""
        return False


@pytest.mark.parametrize("steps", range(6))
async def test_it_ends_though_something_is_appended_at_that_moment(
    follower: LogFollower, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """`asyncio.wait_for` of Python 3.11 forgets that it was cancelled where what it waits for has just come."""
    connection = Notified()

    @contextlib.asynccontextmanager
    async def connected(*_: Any, **__: Any) -> AsyncIterator[Notified]:
        yield connection

    monkeypatch.setattr(module, "connected", connected)
    await listening(follower)
    await asyncio.sleep(0.05)
    connection.tell()
    for _ in range(steps):
        await asyncio.sleep(0)
    closing = asyncio.create_task(follower.close())
    await asyncio.wait([closing], timeout=2)
    ended = closing.done()
    await follower.close()  # a second time it is heard
    assert ended
