"""Transactions with a limit on Neo4j, and one way to say that it is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from neo4j import AsyncDriver, AsyncGraphDatabase, AsyncSession, AsyncTransaction, Query, Record
from neo4j.exceptions import (
    AuthError,
    ConnectionAcquisitionTimeoutError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from eventstore.errors import StoreUnavailableError
from eventstore.pool import ACQUIRE_LIMIT_S
from projections.connection_limiter import ConnectionLimiter
from projections.errors import WriteConflictError

RECYCLE_S = 1800.0
QUERY_LIMIT_S = 60.0
BULK_LIMIT_S = 3600.0
"""Building an index or deleting a generation takes long; still it has a limit."""
BATCH = 5_000
"""Rows that one UNWIND is given."""

DATABASE = "neo4j"
"""Community has one. Naming it saves the driver from asking for it."""

_GRACE_S = 5.0
_AWAY = (
    OSError,
    TimeoutError,
    ServiceUnavailable,
    SessionExpired,
    ConnectionAcquisitionTimeoutError,
    TransientError,
    AuthError,
)
_DEADLOCK = "DeadlockDetected"
_STOPPED = ("TransactionTimedOut", "TransactionTimedOutClientConfiguration", "Terminated", "LockClientStopped")


class Neo4jDriver:
    """The driver, with a limit on its connections that counts who has or wants one. Closed at the end of its block."""

    def __init__(self, driver: AsyncDriver, connections: int) -> None:
        self._driver = driver
        self.limiter = ConnectionLimiter("Neo4j", connections)

    async def __aenter__(self) -> "Neo4jDriver":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections."""
        await self._driver.close()

    def session(self) -> AsyncSession:
        """A session, for the block of one who has passed the limiter."""
        return self._driver.session(database=DATABASE)

    @property
    def idle(self) -> int:
        """Connections that nobody uses now."""
        # The driver (6.x) has no metrics and takes no pool or connection class of ours, and the system's table of
        # sockets does not tell whose client one is. So this looks into its pool, and says 0 where a release changed it.
        held: Any = getattr(getattr(self._driver, "_pool", None), "connections", {})
        return sum(not getattr(one, "in_use", True) for of_address in held.values() for one in of_address)


def open_driver(uri: str, user: str | None = None, password: str = "", *, connections: int = 8) -> Neo4jDriver:
    """A driver that connects when it is used. Without a user it does not authenticate; the caller closes it."""
    driver = AsyncGraphDatabase.driver(
        uri,
        auth=(user, password) if user else None,
        max_connection_pool_size=connections,
        connection_timeout=5.0,
        connection_acquisition_timeout=ACQUIRE_LIMIT_S,
        max_connection_lifetime=RECYCLE_S,
        liveness_check_timeout=60.0,
        notifications_min_severity="OFF",
    )
    return Neo4jDriver(driver, connections)


@contextlib.asynccontextmanager
async def transaction(driver: Neo4jDriver, limit_s: float = QUERY_LIMIT_S) -> AsyncIterator[AsyncTransaction]:
    """One transaction, which commits at the end of the block. The server stops it after `limit_s`.

    Raises StoreUnavailableError where the database, not the caller, is at fault.
    """
    with _said_plainly(driver):
        async with (
            driver.limiter.passing(),
            asyncio.timeout(limit_s + _GRACE_S),
            driver.session() as session,
            await session.begin_transaction(timeout=limit_s) as tx,
        ):
            yield tx


async def fetch(tx: AsyncTransaction, query: str, /, **parameters: Any) -> list[Record]:
    """All records of a query."""
    result = await tx.run(query, parameters)
    return [record async for record in result]


async def execute(tx: AsyncTransaction, query: str, /, **parameters: Any) -> None:
    """Run a query for what it does."""
    await (await tx.run(query, parameters)).consume()


async def unwind(tx: AsyncTransaction, query: str, rows: Iterable[Sequence[Any]], /, **parameters: Any) -> list[Record]:
    """Run a query that begins with `UNWIND $rows AS row`, a batch of rows at a time; returns all records."""
    found: list[Record] = []
    left = iter(rows)
    # The driver knows lists and tuples, but no tuples with names.
    while batch := [list(row) for row in islice(left, BATCH)]:
        found += await fetch(tx, query, rows=batch, **parameters)
    return found


async def alone(
    driver: Neo4jDriver, query: str, /, *, limit_s: float = QUERY_LIMIT_S, **parameters: Any
) -> list[Record]:
    """Run a query in a transaction of its own, in one round trip. Raises StoreUnavailableError."""
    with _said_plainly(driver):
        async with (
            driver.limiter.passing(),
            asyncio.timeout(limit_s + _GRACE_S),
            driver.session() as session,
        ):
            result = await session.run(Query(query, timeout=limit_s), parameters)
            return [record async for record in result]


@contextlib.contextmanager
def _said_plainly(driver: Neo4jDriver) -> Iterator[None]:
    try:
        yield
    except _AWAY as error:
        if isinstance(error, StoreUnavailableError):
            raise
        if _code(error) == _DEADLOCK:
            raise WriteConflictError from error
        if not isinstance(error, TransientError):
            driver.limiter.use.failures += 1
        raise StoreUnavailableError(f"Neo4j does not answer: {error or type(error).__name__}") from error
    except Neo4jError as error:
        if _code(error) not in _STOPPED:
            raise
        raise StoreUnavailableError(f"Neo4j stopped a transaction: {error.message}") from error


def _code(error: Exception) -> str:
    """The last part of the server's name for it, such as `DeadlockDetected`."""
    return (getattr(error, "code", None) or "").rpartition(".")[2]
