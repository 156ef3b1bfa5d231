"""A generation of the graph in Neo4j beside the live one: loaded in bulk, switched to in one step."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from uuid import UUID

from eventstore.errors import StoreUnavailableError
from eventstore.log_ids import LogIds
from eventstore.pool import Connection
from projections.changes import Change, Positions
from projections.errors import ReadModelReplacedError, SwitchDeferredError
from projections.graph.neo4j.connection import BULK_LIMIT_S, Neo4jDriver, alone, execute, fetch, transaction, unwind
from projections.graph.neo4j.content import add
from projections.graph.neo4j.entities import derive_all
from projections.graph.neo4j.migrations import migrate
from projections.graph.neo4j.store import (
    SCHEMA_VERSION,
    Neo4jGraphStore,
    changed,
    reach,
)
from projections.graph.neo4j.turns import make_turns, take_turn
from projections.store import BuildProgress, Copied, Store

SWITCH_LIMIT_S = 30.0
"""Waiting for the live one's turn, and the last events; who writes waits for longer."""

PORTION = 20_000
"""Rows of a bulk load's transaction."""

_CREATE = (
    "CREATE (:ReadModel {name: $name, generation: $generation, schema_version: $schema_version, built_at: datetime()})"
)
# Of aggregates that are not there yet, so nothing has to be looked up.
_CREATE_VERSIONS = (
    "UNWIND $rows AS row "
    "CREATE (:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2], version: row[3]})"
)
_TENANTS = """
MATCH (a:Aggregate {generation: $generation}) WHERE a.tenant IS NOT NULL AND a.kind IS NOT NULL AND a.id IS NOT NULL
RETURN DISTINCT a.tenant AS tenant
"""

# What is to be deleted keeps a name of its own until it is gone, so that a crash leaves nothing that nobody knows of.
_DROPPED = "dropped "
_DISCARD = "MATCH (m:ReadModel {name: $name}) SET m.name = $dropped + m.generation"
_FIND_DROPPED = """
MATCH (m:ReadModel) WHERE m.name STARTS WITH $dropped RETURN m.name AS name, m.generation AS generation
"""
_FORGET_DROPPED = "MATCH (m:ReadModel {name: $name}) DELETE m"

# The live node stays, since writers wait for it; the other one keeps the old generation, under that one's own name.
_SWITCH = """
MATCH (live:ReadModel {name: $live}), (mine:ReadModel {name: $mine})
WITH live, mine, live.generation AS old, live.schema_version AS old_version, live.built_at AS old_built_at
SET live.generation = mine.generation, live.schema_version = mine.schema_version, live.built_at = mine.built_at,
    mine.name = coalesce($live + '_' + old, $dropped), mine.generation = old, mine.schema_version = old_version,
    mine.built_at = old_built_at, mine.last_loaded = null, mine.rows = null, mine.finished = null
RETURN mine.name AS kept
"""
_LOADED = """
MATCH (m:ReadModel {name: $name}) SET m.last_loaded = $last, m.rows = coalesce(m.rows, 0) + $rows
"""
_FINISHED = "MATCH (m:ReadModel {name: $name}) SET m.finished = true"
_PROGRESS = """
MATCH (m:ReadModel {name: $name})
RETURN m.last_loaded AS last, coalesce(m.rows, 0) AS rows, coalesce(m.finished, false) AS finished
"""
_DELETE_TURNS = "MATCH (t:Turn {name: $name}) DELETE t"

_DELETED = (
    ("Document", ("tenant", "document_id")),
    ("Passage", ("tenant", "chunk_id")),
    ("Entity", ("tenant", "entity_id")),
    ("Aggregate", ("tenant", "kind", "id")),
    ("Position", ("topic", "partition")),
    ("State", ("tenant",)),
)


class Neo4jGeneration:
    """Has a name of its own beside the live one. Methods raise StoreUnavailableError."""

    goes_back = False

    def __init__(self, live: Neo4jGraphStore, generation_id: str) -> None:
        self.store = Neo4jGraphStore(live.driver, f"{live.name}_{generation_id}", live.model_of)
        self._id = generation_id
        self._live = live
        self._driver = live.driver

    async def begin(self) -> None:
        """Nothing but indexes, as every edge looks its ends up; what an earlier try left is dropped."""
        await migrate(self._driver)
        await self.discard()
        async with transaction(self._driver) as tx:
            await execute(tx, _CREATE, name=self.store.name, generation=self._id, schema_version=SCHEMA_VERSION)
            await make_turns(tx, self.store.name)

    async def begin_as(self, source: Store) -> Copied | None:
        """It is always built."""
        return None

    async def load(self, changes: Sequence[Change], ids: LogIds) -> int:
        """Take in aggregates that are not there yet; returns the number of rows. Many go in several transactions."""
        count = 0
        for some in _portions(changes):
            async with transaction(self._driver, BULK_LIMIT_S) as tx:
                generation = await self.store.take_turn(tx)
                versions = [(*change.key, change.version) for change in some]
                await unwind(tx, _CREATE_VERSIONS, versions, generation=generation)
                rows = await add(tx, generation, some)
                await execute(tx, _LOADED, name=self.store.name, last=str(ids.stream(some[-1].key)), rows=rows)
                count += rows
        return count

    async def progress(self) -> BuildProgress | None:
        """As the load's own transactions left it."""
        rows = await alone(self._driver, _PROGRESS, name=self.store.name)
        if not rows:
            return None
        last = rows[0]["last"]
        return BuildProgress(None if last is None else UUID(last), rows[0]["rows"], rows[0]["finished"])

    async def finish(self, positions: Positions) -> None:
        """Derived entities, positions."""
        async with transaction(self._driver) as tx:
            generation = await self.store.take_turn(tx)
        await derive_all(self._driver, generation)
        async with transaction(self._driver) as tx:
            generation = await self.store.take_turn(tx)
            await reach(tx, generation, positions)
            tenants = await fetch(tx, _TENANTS, generation=generation)
            await changed(tx, generation, [row["tenant"] for row in tenants])
            await execute(tx, _FINISHED, name=self.store.name)

    @contextlib.asynccontextmanager
    async def switching(self, connection: Connection, former: str | None) -> AsyncIterator[None]:
        """Under the live one's lock; Neo4j knows the ids of both.

        Neo4j takes the lock back after SWITCH_LIMIT_S, also from a process that is stopped. Raises SwitchDeferredError
        where the lock is not had until then.
        """
        has_turn = False
        try:
            async with transaction(self._driver, SWITCH_LIMIT_S) as tx:
                await execute(tx, "MERGE (:ReadModel {name: $name})", name=self._live.name)
                await make_turns(tx, self._live.name)
                await take_turn(tx, self._live.name)
                has_turn = True
                yield
                names = {"live": self._live.name, "mine": self.store.name, "dropped": _DROPPED}
                switched = await fetch(tx, _SWITCH, **names)
                if not switched:
                    raise ReadModelReplacedError("what was being built was dropped by somebody else; replay again")
                await execute(tx, _DELETE_TURNS, name=self.store.name)
                await make_turns(tx, switched[0]["kept"])
        except SwitchDeferredError:
            raise
        except StoreUnavailableError as error:
            if has_turn:
                raise
            raise SwitchDeferredError(f"{self._live.name} gave no turn for the switch: {error}") from error

    async def discard(self) -> None:
        """Drop it."""
        async with transaction(self._driver) as tx:
            await take_turn(tx, self.store.name)
            await execute(tx, _DISCARD, name=self.store.name, dropped=_DROPPED)
            await execute(tx, _DELETE_TURNS, name=self.store.name)
        await _delete_dropped(self._driver)


def _portions(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Whole aggregates, until they are PORTION rows: Neo4j keeps what a transaction wrote in its heap."""
    some: list[Change] = []
    rows = 0
    for change in changes:
        some.append(change)
        rows += sum(map(len, change.sections.values()))
        if rows >= PORTION:
            yield some
            some, rows = [], 0
    if some:
        yield some


async def _delete_dropped(driver: Neo4jDriver) -> None:
    """Delete what was dropped, in batches: one transaction over it all would not fit the memory."""
    for row in await alone(driver, _FIND_DROPPED, dropped=_DROPPED):
        for label, properties in _DELETED:
            present = " AND ".join(f"n.{name} IS NOT NULL" for name in properties)
            await alone(
                driver,
                f"MATCH (n:{label} {{generation: $generation}}) WHERE {present} "
                "CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS",
                limit_s=BULK_LIMIT_S,
                generation=row["generation"],
            )
        await alone(driver, _FORGET_DROPPED, name=row["name"])
