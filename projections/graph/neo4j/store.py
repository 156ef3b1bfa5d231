"""The graph in Neo4j: live writes by version.

A generation is a property of every node, as community has one database. The node `(:ReadModel {name, generation,
schema_version})` says which generation a name stands for. Writers work side by side, and the switch to another
generation keeps them out (`turns.py`). They wait for each other where they write the same aggregate or name the same
entity: each locks its aggregates, then its entities, in the order of their keys, before it reads what it changes. So an
entity that derives from several documents' edges never misses one, and two writers of one aggregate never both win.
"""

import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

from neo4j import AsyncTransaction
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from eventstore.errors import StoreUnavailableError
from eventstore.generations import new_id
from eventstore.keys import AggregateKey
from projections.changes import Change, Positions, check_reading, check_versions
from projections.errors import OldSchemaError, WriteConflictError
from projections.graph.naming import differences
from projections.graph.neo4j.connection import BULK_LIMIT_S, Neo4jDriver, alone, fetch, transaction, unwind
from projections.graph.neo4j.consistent import consistent_read
from projections.graph.neo4j.content import naming_rows_of, replace_edges, replace_passages
from projections.graph.neo4j.entities import apply_differences, lock
from projections.graph.neo4j.migrations import migrate
from projections.graph.neo4j.snapshot import Neo4jSnapshot
from projections.graph.neo4j.turns import SLOTS, make_turns, share_turn, take_turn

NAME = "graph"
SCHEMA_VERSION = 5
"""Grows with each change of the nodes and edges that makes a replay necessary."""

WRITE_TRIES = 5
ModelOf = Callable[[str], Awaitable[str | None]]

_GENERATION = "MATCH (m:ReadModel {name: $name}) RETURN m.generation AS generation"
_OPEN = """
MERGE (m:ReadModel {name: $name})
ON CREATE SET m.generation = $generation, m.schema_version = $schema_version, m.built_at = datetime()
RETURN m.schema_version AS schema_version
"""
_VERSIONS = """
UNWIND $rows AS row
MATCH (a:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2]}) WHERE a.version IS NOT NULL
RETURN a.tenant AS tenant, a.kind AS kind, a.id AS id, a.version AS version
"""
_LOCK_AGGREGATES = """
UNWIND $rows AS row
MERGE (a:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2]}) SET a.locked = true
"""
_SAVE_VERSIONS = """
UNWIND $rows AS row
MATCH (a:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2]}) SET a.version = row[3]
"""
_FORGET = """
UNWIND $rows AS row
MATCH (a:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2]}) DETACH DELETE a
"""
_POSITIONS = """
MATCH (m:ReadModel {name: $name})
MATCH (p:Position {generation: m.generation}) WHERE p.topic IS NOT NULL AND p.partition IS NOT NULL
RETURN p.topic AS topic, p.partition AS partition, p.position AS position
"""
_REACH = """
UNWIND $rows AS row
MERGE (p:Position {generation: $generation, topic: row[0], partition: row[1]})
SET p.position = CASE WHEN p.position >= row[2] THEN p.position ELSE row[2] END
"""
_CHANGED = """
UNWIND $rows AS row
MERGE (s:State {generation: $generation, tenant: row[0]}) SET s.changed = randomUUID()
"""
_STATE = """
MATCH (m:ReadModel {name: $name})
OPTIONAL MATCH (s:State {generation: m.generation, tenant: $tenant})
RETURN s.changed AS changed
"""


class Neo4jGraphStore:
    """What the name stands for, by default the live graph. Implements `projections.store.Store`."""

    def __init__(self, driver: Neo4jDriver, name: str = NAME, model_of: ModelOf | None = None) -> None:
        """`model_of`: the reading that the generation with an id shows, where the store is to see to it."""
        self.driver = driver
        self.model_of = model_of
        self.name = name
        # Each write of this process has a slot of its own, as far as they go; other processes began elsewhere.
        self._slots = itertools.count(random.randrange(SLOTS))

    async def open(self) -> None:
        """Make constraints, indexes and an empty generation where there are none. Raises OldSchemaError."""
        await migrate(self.driver)
        async with transaction(self.driver) as tx:
            found = await fetch(tx, _OPEN, name=self.name, generation=new_id(), schema_version=SCHEMA_VERSION)
            await make_turns(tx, self.name)
        if found[0]["schema_version"] != SCHEMA_VERSION:
            raise OldSchemaError(
                f"the graph read model has schema version {found[0]['schema_version']} and this Annals wants "
                f"{SCHEMA_VERSION}; "
                "run: annals replay graph"
            )

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """Up to which version each aggregate is there."""
        async with transaction(self.driver) as tx:
            return await _versions(tx, await self._generation(tx), keys)

    async def positions(self) -> dict[tuple[str, int], int]:
        """How far it is in each partition."""
        rows = await alone(self.driver, _POSITIONS, name=self.name)
        return {(row["topic"], row["partition"]): row["position"] for row in rows}

    async def content_tag(self, tenant: str) -> str:
        """A name for the present content; another one after every change of that tenant's nodes and edges."""
        rows = await alone(self.driver, _STATE, name=self.name, tenant=tenant)
        return str(rows[0]["changed"]) if rows else str(None)

    @retry(
        retry=retry_if_exception_type(WriteConflictError),
        wait=wait_random_exponential(multiplier=0.05, max=1),
        stop=stop_after_attempt(WRITE_TRIES),
        reraise=True,
    )
    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """All changes and the positions in one transaction. Raises StaleVersionError."""
        if not changes and not positions:
            return
        async with transaction(self.driver) as tx:
            generation = await self.share_turn(tx, changes=bool(changes))
            if changes and self.model_of is not None:
                check_reading(changes, await self.model_of(generation))
            if changes:
                keys = sorted(change.key for change in changes)
                await unwind(tx, _LOCK_AGGREGATES, keys, generation=generation)
                check_versions(changes, await _versions(tx, generation, keys))
                await _replace(tx, generation, changes)
                await unwind(tx, _SAVE_VERSIONS, [(*one.key, one.version) for one in changes], generation=generation)
                # A change without rows leaves the content as it is, and answers kept of it good.
                await changed(tx, generation, {change.key.tenant for change in changes if change.sections})
            await reach(tx, generation, positions)

    async def forget(self, keys: Sequence[AggregateKey]) -> None:
        """See Store."""
        async with transaction(self.driver) as tx:
            generation = await self.share_turn(tx, changes=False)
            await unwind(tx, _FORGET, sorted(keys), generation=generation)

    async def share_turn(self, tx: AsyncTransaction, *, changes: bool = True) -> str:
        """Write beside others until the transaction ends; returns the generation that the name stands for.

        `changes`: false where the transaction leaves the content as it is.
        """
        await share_turn(tx, self.name, next(self._slots), changes=changes)
        # Read by a query of its own: one that waited may remember what it read before.
        return await self._generation(tx)

    async def take_turn(self, tx: AsyncTransaction) -> str:
        """Keep all writers out until the transaction ends; returns the generation that the name stands for."""
        await take_turn(tx, self.name)
        return await self._generation(tx)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Neo4jSnapshot]:
        """It as it is now; nobody waits for it.

        Raises ReadModelReplacedError at its end where it was written meanwhile.
        """
        async with (
            consistent_read(self.driver, self.name) as generation,
            transaction(self.driver, BULK_LIMIT_S) as tx,
        ):
            yield Neo4jSnapshot(tx, generation)

    async def _generation(self, tx: AsyncTransaction) -> str:
        rows = await fetch(tx, _GENERATION, name=self.name)
        if not rows:
            raise StoreUnavailableError(f"Neo4j holds no read model {self.name!r}")
        return str(rows[0]["generation"])


async def reach(tx: AsyncTransaction, generation: str, positions: Positions) -> None:
    """Remember positions; they never go back."""
    await unwind(
        tx, _REACH, [(*partition, positions[partition]) for partition in sorted(positions)], generation=generation
    )


async def changed(tx: AsyncTransaction, generation: str, tenants: Iterable[str]) -> None:
    """Give the tenants' content a new name."""
    await unwind(tx, _CHANGED, [(tenant,) for tenant in sorted(tenants)], generation=generation)


async def _replace(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """For each section: away with what the aggregates had there, in with the new; and what follows for entities."""
    change_of = differences(changes, await naming_rows_of(tx, generation, changes))
    decided = {(one.key.tenant, one.key.aggregate_id) for one in changes if "decisions" in one.sections}
    # Passages are nobody else's; entities are locked for as short as can be.
    await replace_passages(tx, generation, changes)
    locked = await lock(tx, generation, change_of.keys() | decided)
    await replace_edges(tx, generation, changes)
    await apply_differences(tx, locked, change_of, decided)


async def _versions(tx: AsyncTransaction, generation: str, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
    rows = await unwind(tx, _VERSIONS, keys, generation=generation)
    return {AggregateKey(row["tenant"], row["kind"], row["id"]): row["version"] for row in rows}
