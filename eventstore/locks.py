"""Named locks of long work, on a connection beside the pool: a small pool is left to the work itself.

PostgreSQL keeps the locks as long as the connection lives. A holder whose connection breaks is told at once, and ends
before somebody else who holds the same name gets far.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import asyncpg

from contracts.errors import AnnalsError
from eventstore.connection import connected
from eventstore.errors import StoreUnavailableError
from eventstore.pool import AWAY

CONNECT_LIMIT_S = 10.0
ANSWER_LIMIT_S = 10.0
LOOK_EVERY_S = 2.0

_SETTINGS = (
    # PostgreSQL gives up a holder that vanished with its machine after 11 s.
    "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;"
    "SET tcp_user_timeout = '11s'"
)
_TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"


class LockHeldError(AnnalsError):
    """Another session holds the name; try again when it is free."""


class LockLostError(StoreUnavailableError):
    """The connection that held the lock broke, so somebody else may hold it now; start again."""


class HeldLocks:
    """Names that are held for the length of a block."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._one_at_a_time = asyncio.Lock()

    async def check(self) -> None:
        """Returns when they are held still. Raises LockLostError."""
        try:
            async with self._one_at_a_time:
                await self._connection.execute("SELECT 1", timeout=ANSWER_LIMIT_S)
        except (*AWAY, asyncpg.PostgresError) as error:
            self._connection.terminate()
            raise LockLostError(
                f"the lock was lost: its connection to PostgreSQL broke ({error}); start again"
            ) from error

    async def watch(self) -> None:
        """Never returns. Raises LockLostError within seconds after the connection broke."""
        broken = asyncio.Event()
        self._connection.add_termination_listener(lambda _: broken.set())
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await broken.wait()
            await self.check()


@contextlib.asynccontextmanager
async def holding(dsn: str, names: Sequence[str]) -> AsyncIterator[HeldLocks]:
    """Hold all these names among all who use this database, for the length of the block.

    When the connection breaks the block is cancelled, and LockLostError raised. Raises LockHeldError with the name that
    somebody else holds, StoreUnavailableError.
    """
    async with connected(dsn, limit_s=CONNECT_LIMIT_S, command_limit_s=ANSWER_LIMIT_S) as connection:
        await connection.execute(_SETTINGS)
        for name in sorted(set(names)):
            if not await connection.fetchval(_TRY, f"annals/held/{name}"):
                raise LockHeldError(name)
        locks = HeldLocks(connection)
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(locks.watch())
                yield locks
                watching.cancel()
        except BaseExceptionGroup as failures:
            # The first is the cause: what the watch found, or what the block raised.
            raise failures.exceptions[0] from None
