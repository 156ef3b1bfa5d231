"""One look at the log for all who follow it in a process: woken by what is appended, it wakes whom that concerns."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

import asyncpg

from eventstore.connection import connected
from eventstore.errors import StoreUnavailableError
from eventstore.log import CHANNEL
from eventstore.pool import AWAY, PostgresPool, acquire

log = logging.getLogger(__name__)

CONNECT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 10.0
LOOK_S = 2.0
"""After which it looks unasked: what lies between us and PostgreSQL may let no notification pass."""
GATHER_S = 0.05
"""Between two looks, so that many appends are one."""
LOOK_ROWS = 1000
PAUSE_S = 1.0
"""Before it connects again."""


@dataclass(eq=False)
class _Waiting:
    tenant: str
    types: frozenset[str]
    after: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class LogFollower:
    """Uses no connection until somebody waits. `open_follower` makes one."""

    def __init__(self, pool: PostgresPool, dsn: str) -> None:
        self._pool = pool
        self._dsn = dsn
        self._waiting: set[_Waiting] = set()
        self._looked = -1
        """Position up to which those who wait were told."""
        self._following: asyncio.Task[None] | None = None

    async def wait(self, tenant: str, types: Collection[str], after: int, limit_s: float) -> None:
        """Until there may be an event of the tenant, of these types, behind `after`; for `limit_s` at most.

        Returns as well where the log cannot be looked at: whoever reads it then is told why.
        """
        if self._following is None or self._following.done():
            self._looked = -1
            self._following = asyncio.create_task(self._follow(), name="log follower")
        if after < self._looked:
            return
        waiting = _Waiting(tenant, frozenset(map(str, types)), after)
        self._waiting.add(waiting)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await waiting.woken.wait()
        finally:
            self._waiting.discard(waiting)

    async def close(self) -> None:
        """Nobody waits any more."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            try:
                async with connected(self._dsn, limit_s=CONNECT_LIMIT_S, command_limit_s=ANSWER_LIMIT_S) as connection:
                    await self._listen(connection)
            except StoreUnavailableError as error:
                log.warning("following the log: %s; trying again", error)
            except (*AWAY, asyncpg.PostgresError) as error:
                log.warning("following the log: the connection broke (%s); trying again", error)
            for waiting in self._waiting:
                waiting.woken.set()
            await asyncio.sleep(PAUSE_S * random.uniform(0.5, 1.0))

    async def _listen(self, connection: asyncpg.Connection) -> None:
        told = asyncio.Event()
        connection.add_termination_listener(lambda _: told.set())
        await connection.add_listener(CHANNEL, lambda *_: told.set())
        # What was appended before we listened is looked for by whoever waits.
        self._looked = await self._head()
        for waiting in self._waiting:
            if waiting.after < self._looked:
                waiting.woken.set()
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await told.wait()
            told.clear()
            await self._look()
            await asyncio.sleep(GATHER_S)

    async def _head(self) -> int:
        async with acquire(self._pool) as connection:
            return int(await connection.fetchval("SELECT coalesce(max(notification_id), 0) FROM annals.stored_events"))

    async def _look(self) -> None:
        """Wake whom the events behind `_looked` concern."""
        while True:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(
                    "SELECT notification_id, tenant, topic FROM annals.stored_events WHERE notification_id > $1 "
                    "ORDER BY notification_id LIMIT $2",
                    self._looked,
                    LOOK_ROWS,
                )
            if not rows:
                return
            last = {(row["tenant"], row["topic"]): row["notification_id"] for row in rows}
            for waiting in self._waiting:
                if any(last.get((waiting.tenant, one), 0) > waiting.after for one in waiting.types):
                    waiting.woken.set()
            self._looked = rows[-1]["notification_id"]
            if len(rows) < LOOK_ROWS:
                return


@contextlib.asynccontextmanager
async def open_follower(pool: PostgresPool, dsn: str) -> AsyncIterator[LogFollower]:
    """For the length of the block."""
    follower = LogFollower(pool, dsn)
    try:
        yield follower
    finally:
        await follower.close()
