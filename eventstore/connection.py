"""One connection to PostgreSQL outside of the pool, or one line that says why there is none."""

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.pool import AWAY

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
        await connection.close(timeout=5)
