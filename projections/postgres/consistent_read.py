"""Reads of several tables of one generation in PostgreSQL, as of one moment."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import asyncpg
from tenacity import retry, retry_if_exception_type, stop_after_attempt

from eventstore.pool import Connection, PostgresPool, acquire, in_transaction
from projections.errors import ReadModelReplacedError

TRIES = 5
_GENERATION = "SELECT oid FROM pg_namespace WHERE nspname = $1"

retry_replaced = retry(
    retry=retry_if_exception_type(ReadModelReplacedError), stop=stop_after_attempt(TRIES), reraise=True
)
"""For a read that begins anew when the read model was replaced under it."""


@contextlib.contextmanager
def as_long_as_it_is_there(gone: str | None = None) -> Iterator[None]:
    """A switch renames what it switched away from, and drops it later; it waits for no reader of names.

    Raises ReadModelReplacedError, which says `gone` where that is given.
    """
    try:
        yield
    except asyncpg.UndefinedTableError as error:
        raise ReadModelReplacedError(gone) from error


@contextlib.asynccontextmanager
async def consistent_read(pool: PostgresPool, schema: str) -> AsyncIterator[Connection]:
    """A read-only transaction whose statements all see the same state of one generation.

    Raises StoreUnavailableError, and ReadModelReplacedError at its end where the generation was switched away from.

    Each statement looks its tables up by name, also after a switch, but sees no rows younger than the transaction:
    those of the new generation are missing in whole or in part.
    """
    async with acquire(pool) as connection:
        async with in_transaction(connection, isolation="repeatable_read", readonly=True):
            # The first query is what takes the snapshot.
            generation = await connection.fetchval(_GENERATION, schema)
            yield connection
        still = await connection.fetchval(_GENERATION, schema) == generation
    if not still:
        raise ReadModelReplacedError()
