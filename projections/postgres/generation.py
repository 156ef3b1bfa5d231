"""The next generation of a read model in PostgreSQL: loaded in bulk, switched to in one step."""

from collections.abc import Sequence

from eventstore.pool import Connection, acquire, transaction
from projections.changes import Change, Positions
from projections.postgres.snapshot import LIMIT_S
from projections.postgres.store import PostgresStore
from projections.postgres.tables import VERSIONS
from projections.store import CatchUp


class PostgresGeneration:
    """Lies in a schema of its own beside the live one. Methods raise StoreUnavailableError."""

    def __init__(self, live: PostgresStore, purpose: str) -> None:
        self.store = live.beside(purpose)
        self._live = live
        self._pool = live.pool
        self._layout = live.layout

    async def begin(self) -> None:
        """Empty tables, without indexes; what an earlier try left is dropped."""
        async with transaction(self._pool) as connection:
            await connection.execute(f"DROP SCHEMA IF EXISTS {self.store.schema} CASCADE", timeout=LIMIT_S)
            await self.store.create(connection)

    async def load(self, changes: Sequence[Change]) -> int:
        """COPY aggregates that are not there yet; returns the number of rows."""
        count = 0
        async with transaction(self._pool) as connection:
            for table in self._layout.tables:
                rows = [row for change in changes for row in change.sections.get(table.name, ())]
                await self.store.copy(connection, table, rows)
                count += len(rows)
            await self.store.copy(connection, VERSIONS, [(*change.key, change.version) for change in changes])
        return count

    async def finish(self, positions: Positions) -> None:
        """Derived rows, indexes, positions."""
        async with transaction(self._pool) as connection:
            await connection.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '64MB'")
            # What is derived reads everything once, and is written faster before there is an index to keep.
            await self.store.derive_all(connection)
            await self.store.index(connection)
            await connection.execute(f"ANALYZE {self.store.schema}.versions")
            await self.store.reach(connection, positions)
            tenants = await connection.fetch(f"SELECT DISTINCT tenant FROM {self.store.schema}.versions")
            await self.store.changed(connection, [row["tenant"] for row in tenants])
        async with acquire(self._pool) as connection:
            for table in self._layout.tables:
                await connection.execute(f"ANALYZE {self.store.schema}.{table.name}", timeout=LIMIT_S)

    async def switch(self, catch_up: CatchUp) -> None:
        """Under the live one's lock: take in the last events, become the live one. The old one is then dropped."""
        live, mine = self._layout.name, self.store.schema
        async with transaction(self._pool) as connection:
            await self._live.lock(connection)
            await catch_up()
            await connection.execute(f"DROP SCHEMA IF EXISTS {live}_old CASCADE")
            if await _exists(connection, live):
                await connection.execute(f"ALTER SCHEMA {live} RENAME TO {live}_old")
            await connection.execute(f"ALTER SCHEMA {mine} RENAME TO {live}")
        async with acquire(self._pool) as connection:
            # One at a time: holding several, it could wait for a reader that waits for one of them.
            for table in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", f"{live}_old"):
                await connection.execute(f"DROP TABLE IF EXISTS {live}_old.{table['tablename']}", timeout=LIMIT_S)
            await connection.execute(f"DROP SCHEMA IF EXISTS {live}_old CASCADE", timeout=LIMIT_S)

    async def discard(self) -> None:
        """Drop it."""
        async with acquire(self._pool) as connection:
            await connection.execute(f"DROP SCHEMA IF EXISTS {self.store.schema} CASCADE", timeout=LIMIT_S)


async def _exists(connection: Connection, schema: str) -> bool:
    return bool(await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema))
