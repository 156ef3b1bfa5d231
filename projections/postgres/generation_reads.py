"""Reads of one generation of a read model in PostgreSQL: the live one, or one beside it.

What is read is written down once, with the live schema's name in front of each table. Of another generation the same
statements are asked with that one's name: at the one place that every read passes, so that none can miss it.
"""

import contextlib
import re
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, cast

import asyncpg

from eventstore.pool import Connection, Isolation, PostgresPool, acquire, transaction
from projections.postgres.consistent_read import as_long_as_it_is_there, consistent_read

STATEMENTS = 512
"""Whose spelling for a generation is kept."""
_DROPPED = "the generation that is read was dropped; annals generations lists those there are"


class GenerationReads:
    """Connections over which the statements of the read model `name` read its generation in `schema`.

    Raises StoreUnavailableError as `acquire` does, ReadModelReplacedError where another one was dropped.
    """

    def __init__(self, pool: PostgresPool, name: str, schema: str | None = None) -> None:
        self.pool = pool
        self.name = name
        self.schema = schema or name

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """For a short while."""
        async with acquire(self.pool) as connection:
            yield self._bound(connection)

    @contextlib.asynccontextmanager
    async def transaction(self, isolation: Isolation = "read_committed") -> AsyncIterator[Connection]:
        """That reads alone."""
        async with transaction(self.pool, isolation=isolation, readonly=True) as connection:
            yield self._bound(connection)

    @contextlib.asynccontextmanager
    async def consistent(self) -> AsyncIterator[Connection]:
        """As `consistent_read`. Raises ReadModelReplacedError."""
        async with consistent_read(self.pool, self.schema) as connection:
            yield self._bound(connection)

    def _bound(self, connection: Connection) -> Connection:
        if self.schema == self.name:
            return connection
        return cast(Connection, _BoundConnection(connection, self.name, self.schema))


class _BoundConnection:
    """What reads use of a connection, of another generation."""

    def __init__(self, connection: Connection, name: str, schema: str) -> None:
        self._connection = connection
        self._name = name
        self._schema = schema

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        with as_long_as_it_is_there(_DROPPED):
            return await self._connection.fetch(self._said(statement), *values)

    async def fetchrow(self, statement: str, *values: Any) -> asyncpg.Record | None:
        with as_long_as_it_is_there(_DROPPED):
            return await self._connection.fetchrow(self._said(statement), *values)

    async def fetchval(self, statement: str, *values: Any) -> Any:
        with as_long_as_it_is_there(_DROPPED):
            return await self._connection.fetchval(self._said(statement), *values)

    def _said(self, statement: str) -> str:
        return of_generation(statement, self._name, self._schema)


@lru_cache(STATEMENTS)
def of_generation(statement: str, name: str, schema: str) -> str:
    """The statement with the tables of the read model's live schema in another one."""
    return re.sub(rf"(?<![\w.]){name}\.(?=[a-z_])", f"{schema}.", statement)
