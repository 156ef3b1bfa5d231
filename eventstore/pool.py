"""One bounded asyncpg pool a process, and one way to say that the database is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import asyncpg

from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.pooled_connection import pooled_connections

Connection: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy[Any]"
Isolation = Literal["read_committed", "repeatable_read"]

_LOCK_OF_NAME = "hashtextextended($1, 0)"

ACQUIRE_LIMIT_S = 30.0
MAX_QUERIES = 50_000
"""After which a connection is made anew."""
COMMAND_LIMIT_S = 60.0
RELEASE_LIMIT_S = 5.0

LACKING = (asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError)
"""A full disk, no memory, a disk that fails: no fault of what is asked, which may be done once there is room again."""
AWAY = (
    *LACKING,
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,
)
AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)


@dataclass
class PoolUse:
    """Who waits for a connection now; how many were had, and how many were not or broke, since the process started."""

    waiting: int = 0
    acquired: int = 0
    failures: int = 0


Init: TypeAlias = Callable[[Any], Coroutine[Any, Any, None]]
"""What makes a new connection ready."""


class PostgresPool(asyncpg.Pool):
    """asyncpg's pool, which counts how it is used. `open_pool` makes one.

    `turns`: how many connections may wait for turns or have them; `names`: who asks for each, one at a time.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.use = PoolUse()
        self.turns = asyncio.Semaphore(max(1, self.get_max_size() // 2))
        self.names: dict[str, asyncio.Lock] = {}


async def open_pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 8,
    init: Init | None = None,
    server_settings: Mapping[str, str] | None = None,
) -> PostgresPool:
    """A pool whose connections are made when wanted and never waited for longer than ACQUIRE_LIMIT_S.

    Raises StoreUnavailableError.
    """
    pool = PostgresPool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        max_queries=MAX_QUERIES,
        max_inactive_connection_lifetime=300.0,
        init=init,
        reset=_keep,
        loop=None,
        connection_class=pooled_connections(),
        record_class=asyncpg.Record,
        timeout=5.0,
        command_timeout=COMMAND_LIMIT_S,
        server_settings=dict(server_settings or {}),
    )
    try:
        await pool
    except AWAY as error:
        raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
    return pool


async def _keep(_: asyncpg.Connection) -> None:
    """A connection goes back as it is, without a second round trip: nothing of ours outlives its transaction.

    Settings are `SET LOCAL` and locks `pg_advisory_xact_lock`; a transaction that is still open is rolled back.
    """


@contextlib.asynccontextmanager
async def _counted(pool: PostgresPool, wait_s: float) -> AsyncIterator[Connection]:
    use = pool.use
    use.waiting += 1
    try:
        connection = await pool.acquire(timeout=wait_s)
    except BaseException:
        use.failures += 1
        raise
    finally:
        use.waiting -= 1
    use.acquired += 1
    try:
        yield connection
    except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError):
        use.failures += 1
        raise
    finally:
        _give_back_if_lost(connection)
        # One whose server says nothing, or that is lost meanwhile, is dropped: what was done with it is done.
        with contextlib.suppress(Exception):
            await pool.release(connection, timeout=RELEASE_LIMIT_S)
        _give_back_if_lost(connection)


def _give_back_if_lost(connection: Any) -> None:
    """Free the place in the pool of a connection that is closed.

    asyncpg leaves that to whoever closed it, and two do not: the protocol, where something is asked after the server
    said that it ends the connection, and whoever loses it while it is made. With every one of these the pool would have
    one connection less, for good.
    """
    with contextlib.suppress(asyncpg.InterfaceError):  # given back already
        if connection.is_closed():
            connection.terminate()


@contextlib.asynccontextmanager
async def acquire(pool: PostgresPool, *, wait_s: float = ACQUIRE_LIMIT_S) -> AsyncIterator[Connection]:
    """A connection for a short while, waited for at most `wait_s`.

    Raises StoreUnavailableError where the database, not the caller, is at fault.
    """
    try:
        async with _counted(pool, wait_s) as connection:
            yield connection
    except StoreUnavailableError:
        raise
    except TimeoutError as error:
        raise StoreUnavailableError(f"PostgreSQL gave no connection or answer within {wait_s:.0f} s") from error
    except LACKING as error:
        raise StoreUnavailableError(f"PostgreSQL lacks what it needs: {reason_of(error)}") from error
    except AWAY as error:
        raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
    except AGAIN as error:
        raise StoreUnavailableError(f"PostgreSQL asks to try again: {reason_of(error)}") from error


@contextlib.asynccontextmanager
async def transaction(
    pool: PostgresPool,
    *,
    isolation: Isolation = "read_committed",
    readonly: bool = False,
    wait_s: float = ACQUIRE_LIMIT_S,
) -> AsyncIterator[Connection]:
    """A transaction on a connection of its own. Raises StoreUnavailableError as `acquire` does."""
    async with (
        acquire(pool, wait_s=wait_s) as connection,
        in_transaction(connection, isolation=isolation, readonly=readonly),
    ):
        yield connection


@contextlib.asynccontextmanager
async def in_transaction(
    connection: Connection, *, isolation: Isolation = "read_committed", readonly: bool = False
) -> AsyncIterator[None]:
    """A transaction on a connection that one has already.

    asyncpg's own waits for good where a statement is called off and its connection is lost before the server says so
    (MagicStack/asyncpg #1356): it rolls back once it has that answer. Here that has a limit.
    """
    own = connection.transaction(isolation=isolation, readonly=readonly)
    await own.start()
    try:
        yield
    except BaseException:
        await _roll_back(connection, own)
        raise
    await own.commit()


async def _roll_back(connection: Connection, own: asyncpg.transaction.Transaction) -> None:
    try:
        async with asyncio.timeout(RELEASE_LIMIT_S):
            await own.rollback()
    except (*AWAY, *AGAIN):
        # What a lost connection had begun is rolled back by the server.
        with contextlib.suppress(asyncpg.InterfaceError):  # given back already
            connection.terminate()


async def take_turn(connection: Connection, name: str) -> None:
    """Wait until nobody else of the same name is in a transaction; held until this one ends."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK_OF_NAME})", f"annals/{name}")


@contextlib.asynccontextmanager
async def turn(pool: PostgresPool, name: str) -> AsyncIterator[Connection]:
    """A transaction with this name's turn, as `take_turn` has it, in which other connections of the pool are needed.

    Who waits in the database holds a connection: of this process one at a time asks for a name's turn, and half of the
    pool stays free of all of them. Names are those of tenants, so there are few. Raises StoreUnavailableError.
    """
    async with pool.names.setdefault(name, asyncio.Lock()), pool.turns, transaction(pool) as connection:
        await take_turn(connection, name)
        yield connection


async def share_turn(connection: Connection, name: str, settings: Mapping[str, str] | None = None) -> None:
    """Wait until nobody has this name's turn alone; until this transaction ends others may only share it.

    `settings`: of the server, which hold as long.
    """
    set_locally = "".join(f", set_config('{setting}', '{value}', true)" for setting, value in (settings or {}).items())
    await connection.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK_OF_NAME}){set_locally}", f"annals/{name}")


async def try_share_turn(connection: Connection, name: str) -> bool:
    """As `share_turn`, without waiting: whether nobody has the turn alone."""
    shared = await connection.fetchval(f"SELECT pg_try_advisory_xact_lock_shared({_LOCK_OF_NAME})", f"annals/{name}")
    return bool(shared)


async def close_pool(pool: PostgresPool) -> None:
    """In good order if that is quick; a server that is gone keeps nobody waiting."""
    try:
        async with asyncio.timeout(3):
            await pool.close()
    except TimeoutError:
        pool.terminate()
