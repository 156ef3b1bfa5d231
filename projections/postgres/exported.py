"""A read model in PostgreSQL as tables."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from eventstore.pool import Connection, PostgresPool, transaction
from projections.errors import ReadModelReplacedError
from projections.exported import BATCH_ROWS, Batch, ExportedTable, OpenedTable
from projections.postgres.consistent_read import retry_replaced

FETCH_LIMIT_S = 600.0
"""For a batch; the first one waits for its table to be sorted."""
_OF_SNAPSHOT = "SELECT oid FROM pg_namespace WHERE nspname = $1"
_BY_NAME = "SELECT to_regnamespace($1)::oid"
"""As tables are looked up, which is beside the snapshot."""


class PostgresTables:
    """Implements `projections.exported.TableReader` over the generation in `schema`."""

    def __init__(self, pool: PostgresPool, tables: Mapping[ExportedTable, str], schema: str) -> None:
        """`tables`: with the SELECT of each, in which the schema is `{schema}` and the tenant $1."""
        self._pool = pool
        self._selects = {one.name: (one, select.format(schema=schema)) for one, select in tables.items()}
        self._schema = schema

    @property
    def tables(self) -> Sequence[ExportedTable]:
        """All of them."""
        return [one for one, _ in self._selects.values()]

    @contextlib.asynccontextmanager
    async def opened(self, tenant: str, names: Sequence[str]) -> AsyncIterator[Sequence[OpenedTable]]:
        """Every table is opened before the first one is read: from then on they stay as they are, also after a switch.

        Raises StoreUnavailableError, ReadModelReplacedError.
        """
        async with contextlib.AsyncExitStack() as stack:
            yield await self._open(stack, tenant, names)

    @retry_replaced
    async def _open(self, stack: contextlib.AsyncExitStack, tenant: str, names: Sequence[str]) -> Sequence[OpenedTable]:
        async with contextlib.AsyncExitStack() as own:
            connection = await own.enter_async_context(
                transaction(self._pool, isolation="repeatable_read", readonly=True)
            )
            await connection.execute("SET LOCAL statement_timeout = 0")
            generation = await connection.fetchval(_OF_SNAPSHOT, self._schema)
            found = []
            for name in names:
                table, select = self._selects[name]
                count = await connection.fetchval(
                    f"SELECT count(*) FROM ({select}) AS t", tenant, timeout=FETCH_LIMIT_S
                )
                found.append(OpenedTable(table, count, await _batches(connection, select, tenant)))
            if await connection.fetchval(_BY_NAME, self._schema) != generation:
                raise ReadModelReplacedError()
            stack.push_async_exit(own.pop_all())
            return found


async def _batches(connection: Connection, select: str, tenant: str) -> AsyncIterator[Batch]:
    cursor = await connection.cursor(select, tenant, timeout=FETCH_LIMIT_S)

    async def batches() -> AsyncIterator[Batch]:
        while rows := await cursor.fetch(BATCH_ROWS, timeout=FETCH_LIMIT_S):
            yield [tuple(row) for row in rows]

    return batches()
