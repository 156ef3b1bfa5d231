"""What one generation of a read model in PostgreSQL holds, copied into another by the database itself."""

from eventstore.pool import Connection, transaction
from projections.errors import ReadModelReplacedError
from projections.postgres.consistent_read import as_long_as_it_is_there, retry_replaced
from projections.postgres.snapshot import LIMIT_S, positions
from projections.postgres.store import PostgresStore
from projections.store import Copied

_THERE = "SELECT oid FROM pg_namespace WHERE nspname = $1"
_COLUMNS = """
SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2 AND is_generated = 'NEVER'
"""


@retry_replaced
async def copy(source: PostgresStore, to: PostgresStore) -> Copied | None:
    """Make `to` hold what `source` does at one moment, with indexes and content tags of its own.

    What `to` was before is dropped. None where `source` is of another schema version, or not there. Raises
    StoreUnavailableError (ReadModelReplacedError among them).
    """
    async with transaction(to.pool, isolation="repeatable_read", wait_s=LIMIT_S) as connection:
        await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '512MB'")
        # The first query takes the snapshot. A table that a switch put here later would look empty.
        before = await connection.fetchval(_THERE, source.schema)
        with as_long_as_it_is_there():
            if await source.found_version(connection) != to.layout.schema_version:
                return None
            found = await positions(connection, source.schema)
            await connection.execute(f"DROP SCHEMA IF EXISTS {to.schema} CASCADE", timeout=LIMIT_S)
            await to.create(connection)
            await to.make_room_as(connection, source.schema)
            rows = await _filled(connection, source, to)
        await to.index(connection)
        await to.reach(connection, {}, await _tenants(connection, to.schema))
        for table in to.layout.compared:
            await to.analyse(connection, table)
    async with transaction(to.pool) as connection:
        if await connection.fetchval(_THERE, source.schema) != before:
            raise ReadModelReplacedError()
    return Copied(found, rows)


async def _filled(connection: Connection, source: PostgresStore, to: PostgresStore) -> int:
    """How many rows of tables of its own `to` has then."""
    own, rows = {table.name for table in to.layout.tables}, 0
    for table in to.layout.compared:
        columns = await connection.fetchval(_COLUMNS, to.schema, table)
        done = await connection.execute(
            f"INSERT INTO {to.schema}.{table} ({columns}) SELECT {columns} FROM {source.schema}.{table}",
            timeout=LIMIT_S,
        )
        rows += int(done.rpartition(" ")[2]) if table in own else 0
    return rows


async def _tenants(connection: Connection, schema: str) -> list[str]:
    rows = await connection.fetch(f"SELECT DISTINCT tenant FROM {schema}.versions", timeout=LIMIT_S)
    return [row["tenant"] for row in rows]
