"""One connection to PostgreSQL outside of the pool, or one line that says why there is none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg

from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.pool import AWAY

CLOSE_LIMIT_S = 5.0
REFUSED = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
)
"""Wrong user or password, no such database, not allowed."""


@contextlib.asynccontextmanager
async def connected(dsn: str, *, limit_s: float, command_limit_s: float) -> AsyncIterator[asyncpg.Connection]:
    """Connected within `limit_s` for the length of the block.

    Raises StoreUnavailableError where the address cannot be read, the server does not answer, or it refuses the
    connection or a command.
    """
    try:
        connection = await asyncpg.connect(dsn, timeout=limit_s, command_timeout=command_limit_s)
    except ValueError:
        # Its own message may hold a part of the password.
        raise StoreUnavailableError(
            "the address of PostgreSQL cannot be read; write postgresql://user:password@host:port/database, "
            "and @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
        ) from None
    except REFUSED as error:
        raise StoreUnavailableError(f"PostgreSQL refuses the connection: {error}") from error
    except AWAY as error:
        raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
    try:
        yield connection
    except REFUSED as error:
        raise StoreUnavailableError(f"PostgreSQL refuses a command: {error}") from error
    finally:
        await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    """Within CLOSE_LIMIT_S: asyncpg's own limit does not begin while a statement is called off, which a frozen server
    never says it did (MagicStack/asyncpg #1356)."""
    try:
        async with asyncio.timeout(CLOSE_LIMIT_S):
            await connection.close()
    except AWAY:
        connection.terminate()
