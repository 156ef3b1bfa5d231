"""A read model in PostgreSQL: live writes by version, and generations that are built beside and switched to.

Each generation is a schema of its own: `relational` is live, `relational_ID` is being built, or kept aside. Writers of
one read model share an advisory lock that the switch has alone; they wait for each other where they write the same
aggregate or name the same entity.
"""

import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Sequence

from eventstore.keys import AggregateKey
from eventstore.pool import Connection, PostgresPool, acquire, share_turn, take_turn, transaction
from projections.changes import Change, Positions, Row, check_reading
from projections.dashboards.sharing import share
from projections.errors import OldSchemaError, StaleVersionError
from projections.postgres.consistent_read import as_long_as_it_is_there, consistent_read
from projections.postgres.entities import apply_difference, derive_all, said
from projections.postgres.layout import Layout
from projections.postgres.snapshot import LIMIT_S, PostgresSnapshot, positions
from projections.postgres.tables import Table

_BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
"""A write looks rows up by their keys. The planner has no statistics of a table that has just begun to fill; left to
itself it reads the whole table, and writes become slower the more there is."""
FEW_ROWS = 16
"""For more, COPY is cheaper; asyncpg has a statement parsed anew for each."""


class PostgresStore:
    """One generation of a read model, by default the live one. Every method raises StoreUnavailableError."""

    def __init__(self, pool: PostgresPool, layout: Layout, schema: str | None = None) -> None:
        self.pool = pool
        self.layout = layout
        self.schema = schema or layout.name

    async def open(self) -> None:
        """Make the tables where there are none. Raises OldSchemaError."""
        async with transaction(self.pool) as connection:
            await self.lock(connection)
            if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", self.schema):
                await self.create(connection)
                await self.index(connection)
                await share(connection, self.schema)
            found = await self.found_version(connection)
        if found != self.layout.schema_version:
            raise OldSchemaError(
                f"the {self.layout.name} read model has schema version {found} and this Annals wants "
                f"{self.layout.schema_version}; "
                f"run: annals replay {self.layout.name}"
            )

    async def found_version(self, connection: Connection) -> int | None:
        """The schema version of what is there."""
        if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{self.schema}.generation"):
            return None
        # Version 1 called the column otherwise, and is then 0.
        found = await connection.fetchval(
            f"SELECT coalesce((to_jsonb(g) ->> 'schema_version')::integer, 0) FROM {self.schema}.generation AS g"
        )
        return None if found is None else int(found)

    async def create(self, connection: Connection) -> None:
        """The tables, without the indexes that a bulk load does better without."""
        await connection.execute(
            f"""
            CREATE SCHEMA {self.schema};
            CREATE TABLE {self.schema}.generation (
                schema_version integer NOT NULL, built_at timestamptz DEFAULT now(),
                last_loaded uuid, rows bigint NOT NULL DEFAULT 0, derived boolean NOT NULL DEFAULT false,
                indexed boolean NOT NULL DEFAULT false, finished boolean NOT NULL DEFAULT false);
            CREATE TABLE {self.schema}.versions (
                tenant text NOT NULL, kind text NOT NULL, aggregate_id text NOT NULL, version integer NOT NULL);
            CREATE TABLE {self.schema}.positions (
                topic text, partition integer, position bigint NOT NULL, PRIMARY KEY (topic, partition));
            CREATE TABLE {self.schema}.state (tenant text PRIMARY KEY, changed uuid NOT NULL);
            """
        )
        await connection.execute(
            f"INSERT INTO {self.schema}.generation (schema_version) VALUES ($1)", self.layout.schema_version
        )
        await connection.execute(self.layout.sql("schema.sql", self.schema))

    async def index(self, connection: Connection) -> None:
        """The keys and indexes of all tables as they are filled now."""
        await self.index_loaded(connection)
        await self.index_derived(connection)

    async def index_loaded(self, connection: Connection) -> None:
        """Those of the tables that are loaded. What derives from these can be derived meanwhile."""
        await connection.execute(
            f"CREATE UNIQUE INDEX ON {self.schema}.versions (tenant, kind, aggregate_id);"
            + self.layout.sql("indexes.sql", self.schema),
            timeout=LIMIT_S,
        )

    async def index_derived(self, connection: Connection) -> None:
        """Those of the tables that derive from them."""
        await connection.execute(self.layout.sql("derived_indexes.sql", self.schema), timeout=LIMIT_S)

    async def lock(self, connection: Connection) -> None:
        """Wait for this read model's turn; held until the transaction ends."""
        await take_turn(connection, self.schema)

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there."""
        async with acquire(self.pool) as connection:
            return await self._versions(connection, keys)

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition. Raises ReadModelReplacedError where it is not there."""
        async with acquire(self.pool) as connection:
            with as_long_as_it_is_there("not made yet; `annals up` makes it"):
                return await positions(connection, self.schema)

    async def content_tag(self, tenant: str) -> str:
        """A name for the present content; another one after every change of that tenant's rows."""
        async with acquire(self.pool) as connection:
            changed = await connection.fetchval(f"SELECT changed FROM {self.schema}.state WHERE tenant = $1", tenant)
        return str(changed)

    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """All changes and the positions in one transaction. Raises StaleVersionError."""
        if not changes and not positions:
            return
        async with transaction(self.pool) as connection:
            if changes:
                await share_turn(connection, self.schema, _BY_KEY)
                if any(change.reading is not None for change in changes):
                    check_reading(changes, await self.model_revision(connection))
                # It locks the aggregates: their rows are nobody else's from here on.
                await self._save_versions(connection, changes)
                if self.layout.names:
                    await self._replace_with_entities(connection, changes)
                else:
                    await self._replace(connection, changes)
                await self._forget(connection, [change.key for change in changes if change.version == 0])
            # A change without rows (a stage that is done) leaves the content as it is, and answers kept of it good.
            await self.reach(connection, positions, {change.key.tenant for change in changes if change.sections})

    async def model_revision(self, connection: Connection) -> str | None:
        """Of what this generation is made: nobody switches while it is written."""
        own = self.schema.removeprefix(f"{self.layout.name}_")
        condition = "id = $2" if self.schema != self.layout.name else "state = 'live' AND $2::text IS NOT NULL"
        found: str | None = await connection.fetchval(
            f"SELECT model_revision FROM annals.generations WHERE read_model = $1 AND {condition}",
            self.layout.name,
            own,
        )
        return found

    async def forget(self, keys: Sequence[AggregateKey]) -> None:
        """See Store."""
        async with transaction(self.pool) as connection:
            await share_turn(connection, self.schema)
            await connection.execute(
                f"DELETE FROM {self.schema}.versions AS v USING unnest($1::text[], $2::text[], $3::text[]) "
                "AS k (tenant, kind, aggregate_id) "
                "WHERE (v.tenant, v.kind, v.aggregate_id) = (k.tenant, k.kind, k.aggregate_id)",
                [key.tenant for key in keys],
                [key.kind for key in keys],
                [key.aggregate_id for key in keys],
            )

    async def reach(self, connection: Connection, positions: Positions, changed: Collection[str] = ()) -> None:
        """Remember positions, which never go back, and give the content of tenants that changed a new name."""
        if positions or changed:
            partitions = sorted(positions)
            await connection.execute(
                f"WITH named AS (INSERT INTO {self.schema}.state (tenant, changed) "
                "SELECT t, gen_random_uuid() FROM unnest($4::text[]) t "
                "ON CONFLICT (tenant) DO UPDATE SET changed = excluded.changed) "
                f"INSERT INTO {self.schema}.positions AS p (topic, partition, position) "
                "SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[]) "
                "ON CONFLICT (topic, partition) DO UPDATE SET position = excluded.position "
                "WHERE p.position < excluded.position",
                [topic for topic, _ in partitions],
                [partition for _, partition in partitions],
                [positions[partition] for partition in partitions],
                sorted(changed),
            )

    async def copy(self, connection: Connection, table: Table, rows: Iterable[Row]) -> None:
        """Binary COPY into one table."""
        await connection.copy_records_to_table(
            table.name, schema_name=self.schema, columns=table.columns, records=rows, timeout=300
        )

    async def analyse(self, connection: Connection, table: str) -> None:
        """Statistics of a table, of the columns that it says; where it says none, of all, and of its indexes."""
        analysed = next((one.analysed for one in self.layout.tables if one.name == table), ())
        columns = f" ({', '.join(analysed)})" if analysed else ""
        await connection.execute(f"ANALYZE {self.schema}.{table}{columns}", timeout=LIMIT_S)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[PostgresSnapshot]:
        """In one repeatable-read transaction.

        Raises ReadModelReplacedError at its end where the generation was switched away from.
        """
        async with consistent_read(self.pool, self.schema) as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            yield PostgresSnapshot(connection, self.layout, self.schema)

    def beside(self, generation_id: str) -> "PostgresStore":
        """The store of another generation."""
        return type(self)(self.pool, self.layout, f"{self.layout.name}_{generation_id}")

    async def loaded(self, connection: Connection, changes: Sequence[Change]) -> None:
        """For a store that makes room for what was loaded."""

    async def make_room_as(self, connection: Connection, schema: str) -> None:
        """For a store that makes room for what lies in the generation of another schema."""

    async def resume(self, connection: Connection) -> None:
        """For a store that makes room for what was loaded: another process loaded what is there."""

    async def derive_all(self, connection: Connection) -> None:
        """Derive the entities of everything, after a bulk load."""
        if self.layout.names:
            await derive_all(connection, self.layout, self.schema, LIMIT_S)

    async def _versions(self, connection: Connection, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        wanted = list(keys)
        rows = await connection.fetch(
            f"SELECT v.tenant, v.kind, v.aggregate_id, v.version FROM {self.schema}.versions AS v "
            "JOIN unnest($1::text[], $2::text[], $3::text[]) AS k(tenant, kind, aggregate_id) "
            "USING (tenant, kind, aggregate_id)",
            [key.tenant for key in wanted],
            [key.kind for key in wanted],
            [key.aggregate_id for key in wanted],
        )
        return {AggregateKey(row["tenant"], row["kind"], row["aggregate_id"]): row["version"] for row in rows}

    async def _save_versions(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Raises StaleVersionError where a version is not the one that its change starts from."""
        ordered = sorted(changes, key=lambda change: change.key)
        rows = await connection.fetch(
            f"INSERT INTO {self.schema}.versions AS v (tenant, kind, aggregate_id, version) "
            "SELECT tenant, kind, id, version "
            "FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) AS k(tenant, kind, id, version) "
            "ON CONFLICT (tenant, kind, aggregate_id) DO UPDATE SET version = excluded.version "
            "WHERE (v.tenant, v.kind, v.aggregate_id, v.version) IN "
            "(SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $5::int[])) "
            "RETURNING v.tenant, v.kind, v.aggregate_id, xmax = 0 AS added",
            [change.key.tenant for change in ordered],
            [change.key.kind for change in ordered],
            [change.key.aggregate_id for change in ordered],
            [change.version for change in ordered],
            [change.previous for change in ordered],
        )
        saved = {AggregateKey(row["tenant"], row["kind"], row["aggregate_id"]): row["added"] for row in rows}
        for change in ordered:
            if saved.get(change.key) is not (change.previous == 0):
                raise StaleVersionError(
                    f"{change.key.kind} {change.key.aggregate_id} was written meanwhile; fold it again"
                )

    async def _forget(self, connection: Connection, keys: Sequence[AggregateKey]) -> None:
        """Versions of aggregates that are not there (yet)."""
        if keys:
            await connection.execute(
                f"DELETE FROM {self.schema}.versions AS v USING unnest($1::text[], $2::text[], $3::text[]) "
                "AS k(tenant, kind, id) WHERE (v.tenant, v.kind, v.aggregate_id) = (k.tenant, k.kind, k.id)",
                [key.tenant for key in keys],
                [key.kind for key in keys],
                [key.aggregate_id for key in keys],
            )

    async def _replace_with_entities(self, connection: Connection, changes: Sequence[Change]) -> None:
        """The same, and what follows for the entities that the rows speak of, or spoke of before."""
        tables = {one.table for one in self.layout.names}
        documents = [change for change in changes if not tables.isdisjoint(change.sections)]
        before, now = await said(connection, self.layout, self.schema, documents)
        await self._replace(connection, changes)
        decided = {(change.key.tenant, change.key.aggregate_id) for change in changes if "decisions" in change.sections}
        await apply_difference(connection, self.layout, self.schema, before, now, decided)

    async def _replace(self, connection: Connection, changes: Sequence[Change]) -> None:
        """For each table: away with the rows of the aggregates that changed there, in with the new ones."""
        for table in self.layout.tables:
            changed = [change for change in changes if table.name in change.sections]
            # An aggregate that is new has nothing there to be removed.
            old = [change.key for change in changed if change.previous]
            if old:
                await connection.execute(
                    f"DELETE FROM {self.schema}.{table.name} AS t "
                    "USING unnest($1::text[], $2::text[]) AS k(tenant, id) "
                    f"WHERE t.tenant = k.tenant AND t.{table.owner} = k.id",
                    [key.tenant for key in old],
                    [key.aggregate_id for key in old],
                )
            await self._insert(connection, table, [row for change in changed for row in change.sections[table.name]])

    async def _insert(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        if len(rows) > FEW_ROWS:
            await self.copy(connection, table, rows)
        elif rows:
            columns = ", ".join(f'"{column}"' for column in table.columns)
            values = ", ".join(f"${number}" for number in range(1, len(table.columns) + 1))
            await connection.executemany(f"INSERT INTO {self.schema}.{table.name} ({columns}) VALUES ({values})", rows)
