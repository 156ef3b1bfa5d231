"""The switch from one generation to the next: nothing that happens meanwhile is lost, and nobody stops."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from contracts.topics import topics
from eventstore.reader import EventReader
from projections.graph.postgres import PostgresGraph
from projections.relational.postgres import PostgresRelational
from projections.replay import Report, replay
from projections.vector.postgres import PostgresPassages
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, generations, open_model
from tests.projections.stories import Story, vector_of
from tests.projections.waiting import eventually

Happen = Callable[[], Coroutine[Any, Any, None]]

_A_WRITER_WAITS = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

_LOCKED = """
pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE starts_with(n.nspname::text, '{name}_') AND l.mode = 'AccessExclusiveLock'
"""

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo.", "Cleo sang."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")
LATE = Story("late", ("Edgar sleeps.", "Ada met Edgar."), title="Night")


@pytest.fixture(params=NAMES)
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model in turn."""
    return await open_model(request.param, history)


async def test_what_happens_during_the_build_is_not_lost(live: LiveModel, history: History) -> None:
    """The live one may or may not have heard of it before the switch."""
    await history.tell(HARBOUR, MARKET)
    await live.everything()
    pending: list[asyncio.Task[None]] = []

    async def happen() -> None:
        await history.delete(MARKET)
        await live.everything()
        await history.tell(LATE)

    def report(_: int) -> None:
        pending.append(asyncio.create_task(happen()))

    async def done() -> None:
        await asyncio.gather(*pending)

    # Under the lock it could not be waited for: what writes the live one waits for the lock.
    await replay_while(live, done, report, at=LOOKING)
    assert len(pending) == 1
    assert (await live.verify()).difference is None
    assert await live.store.positions() == await live.log_positions()
    assert await documents(live) == {"harbour": 5, "market": 6, "late": 5}


async def test_what_happens_between_build_and_switch_is_not_lost(live: LiveModel, history: History) -> None:
    """While the lock is held: nobody can write the live one any more."""
    await history.tell(HARBOUR, MARKET)
    await live.everything()

    async def happen() -> None:
        await history.tell(LATE)
        await history.delete(MARKET)

    await replay_while(live, happen)
    assert await documents(live) == {"harbour": 5, "market": 6, "late": 5}
    assert (await live.verify()).difference is None


async def test_a_writer_that_waits_for_the_switch_writes_the_new_one(live: LiveModel, history: History) -> None:
    await history.tell(HARBOUR)
    await live.everything()
    writer: list[asyncio.Task[None]] = []

    async def happen() -> None:
        await history.tell(MARKET)
        writer.append(asyncio.create_task(live.everything()))
        await eventually(history, _A_WRITER_WAITS)

    await replay_while(live, happen)
    await writer[0]
    await history.delete(HARBOUR)
    await live.everything()
    assert await documents(live) == {"harbour": 6, "market": 5}
    assert (await live.verify()).difference is None


async def test_readers_go_on_through_a_switch(live: LiveModel, history: History) -> None:
    """Whatever they see, it is all of the document that was there all the time."""
    await history.tell(HARBOUR, MARKET)
    await live.everything()
    graph, passages, rows = (
        PostgresGraph(history.pool),
        PostgresPassages(history.pool),
        PostgresRelational(history.pool),
    )
    done, turned = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        while not done.is_set():
            if live.model.name == "graph":
                assert len((await graph.snapshot("default")).mentions) == 7
                assert len(await graph.find("default", ["Ada", "Bob"])) == 2
            elif live.model.name == "vector":
                assert len(await passages.nearest("default", "random-8@1", vector_of("one", 8), 10)) == 4
                assert len(await passages.matching("default", "sang met", 10)) == 3
                assert len(await passages.all_passages("default")) == 4
            else:
                assert (await rows.counts("default")).chunks == 4
                found = await rows.document("default", "harbour")
                assert found is not None and (len(found.chunks), len(found.entities)) == (3, 3)
            turned.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(read())
        for _ in range(5):
            await live.replay()
            turned.clear()
            await turned.wait()
        done.set()


async def test_the_old_one_is_dropped_a_table_at_a_time(live: LiveModel, history: History) -> None:
    """Who waits for a reader holds nothing that the reader may want next: else one of the two would have to fail."""
    await live.everything()
    name = live.model.name
    async with history.pool.acquire() as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {name}.versions IN ACCESS SHARE MODE")
        replaying = asyncio.create_task(live.replay())
        # The table that the reader has: autovacuum may hold up another one for a moment, with its parent in hand.
        waits = "AND c.relname = 'versions' AND NOT granted"
        await eventually(history, f"SELECT count(*) FROM {_LOCKED.format(name=name)} {waits}")
        assert await connection.fetchval(f"SELECT count(*) FROM {_LOCKED.format(name=name)} AND granted") == 0
    await replaying
    assert await generations(history) == {name}


LOOKING, LOCKED = 2, 3
"""A replay asks for the head when it begins, when it looks how much is left, and for the last time under the live one's
lock."""


class Interrupted(EventReader):
    """Something happens when a replay asks for the head so often."""

    def __init__(self, history: History, happen: Happen, at: int) -> None:
        super().__init__(history.pool)
        self._happen = happen
        self._at = at
        self._asked = 0

    async def head(self) -> int:
        """As ever."""
        self._asked += 1
        if self._asked == self._at:
            await self._happen()
        return await super().head()


async def replay_while(live: LiveModel, happen: Happen, report: Report = lambda _: None, at: int = LOCKED) -> None:
    """A replay that is interrupted so."""
    await replay([(live.model, live.store)], live.generations, Interrupted(live.history, happen, at), topics(), report)


async def documents(live: LiveModel) -> dict[str, int]:
    """The version of each."""
    async with live.store.snapshot() as snapshot:
        return {key.aggregate_id: version for key, version in (await snapshot.versions()).items()}
