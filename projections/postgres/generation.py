"""A generation of a read model in PostgreSQL beside the live one: loaded in bulk, switched to in one step."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import chain

import asyncpg

from eventstore.generations import new_id
from eventstore.log_ids import LogIds
from eventstore.pool import Connection, acquire, in_transaction, transaction
from projections.changes import Change, Positions
from projections.dashboards.sharing import share
from projections.errors import SwitchDeferredError
from projections.postgres.copying import copy
from projections.postgres.snapshot import LIMIT_S
from projections.postgres.store import PostgresStore
from projections.postgres.tables import VERSIONS
from projections.store import BuildProgress, Copied, Store
from projections.together import together

TURN_LIMIT_S = 5.0
IDLE_LIMIT_S = 30.0
DROP_LIMIT_S = 20.0
"""How long a table that was switched away from waits for its last reader."""

AT_ONCE = 2
"""Tables that are analysed side by side: an own connection for each."""

LEAST_SHARED_MB = 256
"""Of a smaller table an index is built within a second: workers of PostgreSQL that share in that take more time to be
started than they save, since others at the same time build the other indexes."""

_OLD = "_old"


class PostgresGeneration:
    """Lies in a schema of its own beside the live one. Methods raise StoreUnavailableError."""

    goes_back = True

    def __init__(self, live: PostgresStore, generation_id: str) -> None:
        self.store = live.beside(generation_id)
        self._live = live
        self._pool = live.pool
        self._layout = live.layout

    async def begin(self) -> None:
        """Empty tables, without indexes, with room for what the live one has; what an earlier try left is dropped."""
        async with transaction(self._pool, wait_s=LIMIT_S) as connection:
            await connection.execute(f"DROP SCHEMA IF EXISTS {self.store.schema} CASCADE", timeout=LIMIT_S)
            await self.store.create(connection)
            if await self._live.found_version(connection) == self._layout.schema_version:
                await self.store.make_room_as(connection, self._live.schema)

    async def begin_as(self, source: Store) -> Copied | None:
        """As `copy`."""
        assert isinstance(source, PostgresStore)
        return await copy(source, self.store)

    async def load(self, changes: Sequence[Change], ids: LogIds) -> int:
        """COPY aggregates that are not there yet; returns the number of rows."""
        if not changes:
            return 0
        count = 0
        async with transaction(self._pool, wait_s=LIMIT_S) as connection:
            # What a crash takes back, and how far this was with it, is loaded again.
            await connection.execute("SET LOCAL synchronous_commit = off")
            for table in self._layout.tables:
                sections = [rows for change in changes if (rows := change.sections.get(table.name))]
                if sections:
                    await self.store.copy(connection, table, chain.from_iterable(sections))
                    count += sum(map(len, sections))
            await self.store.copy(connection, VERSIONS, [(*change.key, change.version) for change in changes])
            await self.store.loaded(connection, changes)
            await connection.execute(
                f"UPDATE {self.store.schema}.generation SET last_loaded = $1, rows = rows + $2",
                ids.stream(changes[-1].key),
                count,
            )
        return count

    async def progress(self) -> BuildProgress | None:
        """As the load's own transactions left it."""
        async with acquire(self._pool) as connection:
            if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{self.store.schema}.generation"):
                return None
            await self.store.resume(connection)
            row = await connection.fetchrow(f"SELECT last_loaded, rows, finished FROM {self.store.schema}.generation")
        return None if row is None else BuildProgress(*row)

    async def finish(self, positions: Positions) -> None:
        """Derived rows beside indexes, then positions."""
        await together((self._once("indexed", self._index), self._once("derived", self._derive)))
        async with transaction(self._pool, wait_s=LIMIT_S) as connection:
            tenants = await connection.fetch(f"SELECT DISTINCT tenant FROM {self.store.schema}.versions")
            await self.store.reach(connection, positions, [row["tenant"] for row in tenants])
            await connection.execute(f"UPDATE {self.store.schema}.generation SET finished = true")
        tables = [table.name for table in (VERSIONS, *self._layout.tables) if not table.analysed]
        await together(self._analyse(tables[first::AT_ONCE]) for first in range(AT_ONCE))

    async def _once(self, step: str, work: Callable[[Connection], Awaitable[None]]) -> None:
        """A step that is done as a whole, and not again where the build was broken off behind it."""
        # Of several at once, one may have to wait until another gives its connection back.
        async with transaction(self._pool, wait_s=LIMIT_S) as connection:
            if await connection.fetchval(f"SELECT {step} FROM {self.store.schema}.generation"):
                return
            await connection.execute(
                "SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '64MB'; "
                f"SET LOCAL min_parallel_table_scan_size = '{LEAST_SHARED_MB}MB'"
            )
            await work(connection)
            await connection.execute(f"UPDATE {self.store.schema}.generation SET {step} = true")

    async def _index(self, connection: Connection) -> None:
        for table in self._layout.tables:
            if table.analysed:
                await self.store.analyse(connection, table.name)
        await self.store.index_loaded(connection)

    async def _derive(self, connection: Connection) -> None:
        # It is written faster before there is an index to keep.
        await self.store.derive_all(connection)
        await self.store.index_derived(connection)

    async def _analyse(self, tables: Sequence[str]) -> None:
        async with acquire(self._pool, wait_s=LIMIT_S) as connection:
            for table in tables:
                await self.store.analyse(connection, table)

    @contextlib.asynccontextmanager
    async def switching(self, connection: Connection, former: str | None) -> AsyncIterator[None]:
        """Under the live one's lock; both get their names at the block's end."""
        live, mine = self._layout.name, self.store.schema
        # PostgreSQL takes the lock back from a process that is stopped while it holds it.
        await connection.execute(
            f"SET LOCAL lock_timeout = '{TURN_LIMIT_S:.0f}s'; "
            f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_LIMIT_S:.0f}s'"
        )
        try:
            await self._live.lock(connection)
        except asyncpg.LockNotAvailableError:
            raise SwitchDeferredError(f"{live} was written for more than {TURN_LIMIT_S:.0f} s") from None
        yield
        if await _exists(connection, live):
            await connection.execute(f"ALTER SCHEMA {live} RENAME TO {live}_{former or new_id()}")
        await connection.execute(f"ALTER SCHEMA {mine} RENAME TO {live}")
        await share(connection, live)

    async def discard(self) -> None:
        """Drop it. Raises StoreUnavailableError where it is still read."""
        schema = self.store.schema
        async with acquire(self._pool, wait_s=LIMIT_S) as connection:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
            # One table at a time: holding several, it could wait for a reader that waits for one of them.
            drops = [f"DROP TABLE IF EXISTS {schema}.{table['tablename']}" for table in tables]
            for drop in (*drops, f"DROP SCHEMA IF EXISTS {schema} CASCADE"):
                async with in_transaction(connection):
                    await connection.execute(f"SET LOCAL lock_timeout = '{DROP_LIMIT_S:.0f}s'")
                    await connection.execute(drop, timeout=LIMIT_S)


async def _exists(connection: Connection, schema: str) -> bool:
    return bool(await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema))
