"""A read model in PostgreSQL as one transaction sees it."""

from collections.abc import AsyncIterator

from eventstore.keys import AggregateKey
from eventstore.pool import Connection
from projections.postgres.layout import Layout

LIMIT_S = 3600.0
"""Work over all rows, as building an index, takes long; still it has a limit."""


async def positions(connection: Connection, schema: str) -> dict[tuple[str, int], int]:
    """How far the generation in this schema is in each partition."""
    rows = await connection.fetch(f"SELECT topic, partition, position FROM {schema}.positions")
    return {(row["topic"], row["partition"]): row["position"] for row in rows}


class PostgresSnapshot:
    """Implements `projections.store.Snapshot`."""

    def __init__(self, connection: Connection, layout: Layout, schema: str) -> None:
        self._connection = connection
        self._layout = layout
        self._schema = schema

    async def versions(self) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there."""
        rows = await self._connection.fetch(f"SELECT tenant, kind, aggregate_id, version FROM {self._schema}.versions")
        return {AggregateKey(row["tenant"], row["kind"], row["aggregate_id"]): row["version"] for row in rows}

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        return await positions(self._connection, self._schema)

    async def digests(self) -> dict[str, str]:
        """For each table the number of its rows and the sum of their hashes: PostgreSQL reads it once, unsorted."""
        return {
            table: str(
                await self._connection.fetchval(
                    "SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) "
                    f"FROM {self._schema}.{table} AS t",
                    timeout=LIMIT_S,
                )
            )
            for table in self._layout.compared
        }

    async def rows(self, part: str) -> AsyncIterator[str]:
        """The rows of a table as text, by their bytes."""
        cursor = self._connection.cursor(
            f'SELECT t::text AS row FROM {self._schema}.{part} AS t ORDER BY t::text COLLATE "C"',
            prefetch=500,
            timeout=LIMIT_S,
        )
        async for row in cursor:
            yield str(row["row"])
