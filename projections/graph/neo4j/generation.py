"""The next generation of the graph in Neo4j: loaded in bulk, switched to in one step."""

import logging
from collections.abc import Iterator, Sequence

from eventstore.errors import StoreUnavailableError
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
from projections.store import CatchUp, Copied, Store

log = logging.getLogger(__name__)

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

# The live node stays, since writers wait for it; the other one takes the old generation with it.
_SWITCH = """
MATCH (live:ReadModel {name: $live}), (mine:ReadModel {name: $mine})
WITH live, mine, live.generation AS old
SET live.generation = mine.generation, live.schema_version = mine.schema_version, live.built_at = mine.built_at,
    mine.name = $dropped + coalesce(old, ''), mine.generation = old
RETURN live.generation AS generation
"""

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
        self.store = Neo4jGraphStore(live.driver, f"{live.name}_{generation_id}")
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

    async def load(self, changes: Sequence[Change]) -> int:
        """Take in aggregates that are not there yet; returns the number of rows. Many go in several transactions."""
        count = 0
        for some in _portions(changes):
            async with transaction(self._driver, BULK_LIMIT_S) as tx:
                generation = await self.store.take_turn(tx)
                versions = [(*change.key, change.version) for change in some]
                await unwind(tx, _CREATE_VERSIONS, versions, generation=generation)
                count += await add(tx, generation, some)
        return count

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

    async def switch(self, catch_up: CatchUp) -> None:
        """Under the live one's lock: take in the last events, become the live one. The old one is then deleted.

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
                await catch_up()
                if not await fetch(tx, _SWITCH, live=self._live.name, mine=self.store.name, dropped=_DROPPED):
                    raise ReadModelReplacedError("what was being built was dropped by somebody else; replay again")
        except SwitchDeferredError:
            raise
        except StoreUnavailableError as error:
            if has_turn:
                raise
            raise SwitchDeferredError(f"{self._live.name} gave no turn for the switch: {error}") from error
        try:
            await _delete_dropped(self._driver)
        except StoreUnavailableError as error:
            log.warning("%s: the old generation is deleted at the next start: %s", self._live.name, error)

    async def discard(self) -> None:
        """Drop it."""
        async with transaction(self._driver) as tx:
            await take_turn(tx, self.store.name)
            await execute(tx, _DISCARD, name=self.store.name, dropped=_DROPPED)
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
