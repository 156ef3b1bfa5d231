"""The graph in Neo4j: live writes by version.

A generation is a property of every node, as community has one database. The node `(:ReadModel {name, generation,
schema_version})` says which generation a name stands for, and it is the lock of that name. Writers take turns on it, so
an entity that derives from several documents' edges never misses one, and two writers of one aggregate never both win.
Neo4j holds the lock until the transaction ends.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence

from neo4j import AsyncTransaction

from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from projections.changes import Change, Positions, check_versions
from projections.errors import OldSchemaError
from projections.graph.model import LAYOUT
from projections.graph.neo4j.connection import BULK_LIMIT_S, Neo4jDriver, alone, execute, fetch, transaction, unwind
from projections.graph.neo4j.consistent import consistent_read
from projections.graph.neo4j.content import add, delete_stale, forget
from projections.graph.neo4j.entities import derive
from projections.graph.neo4j.migrations import migrate
from projections.graph.neo4j.snapshot import Neo4jSnapshot

NAME = "graph"
SCHEMA_VERSION = 1
"""Grows with each change of the nodes and edges that makes a replay necessary."""

# `writes` counts the writes that changed anything: by it a reader knows that nothing was written meanwhile.
_TURN = """
MATCH (m:ReadModel {name: $name}) SET m.turn = timestamp(), m.writes = coalesce(m.writes, 0) + $writes
"""
_GENERATION = "MATCH (m:ReadModel {name: $name}) RETURN m.generation AS generation"
_OPEN = """
MERGE (m:ReadModel {name: $name})
ON CREATE SET m.generation = $generation, m.schema_version = $schema_version, m.built_at = datetime()
RETURN m.schema_version AS schema_version
"""
_VERSIONS = """
UNWIND $rows AS row
MATCH (a:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2]})
RETURN a.tenant AS tenant, a.kind AS kind, a.id AS id, a.version AS version
"""
_SAVE_VERSIONS = """
UNWIND $rows AS row
MERGE (a:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2]})
WITH a, row WHERE coalesce(a.version, 0) < row[3]
SET a.version = row[3]
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

    def __init__(self, driver: Neo4jDriver, name: str = NAME) -> None:
        self.driver = driver
        self.name = name

    async def open(self) -> None:
        """Make constraints, indexes and an empty generation where there are none. Raises OldSchemaError."""
        await migrate(self.driver)
        async with transaction(self.driver) as tx:
            found = await fetch(tx, _OPEN, name=self.name, generation=new_generation(), schema_version=SCHEMA_VERSION)
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

    async def write(self, changes: Sequence[Change], positions: Positions) -> None:
        """All changes and the positions in one transaction. Raises StaleVersionError."""
        if not changes and not positions:
            return
        async with transaction(self.driver) as tx:
            generation = await self.take_turn(tx, writes=min(1, len(changes)))
            if changes:
                check_versions(changes, await _versions(tx, generation, [change.key for change in changes]))
                touched = await forget(tx, generation, changes)
                await add(tx, generation, changes)
                await delete_stale(tx, generation, changes)
                await save_versions(tx, generation, changes)
                await derive(tx, generation, touched | LAYOUT.named(changes))
                # A change without rows leaves the content as it is, and answers kept of it good.
                await changed(tx, generation, {change.key.tenant for change in changes if change.sections})
            await reach(tx, generation, positions)

    async def take_turn(self, tx: AsyncTransaction, writes: int = 1) -> str:
        """Wait for this name's turn, held until the transaction ends; returns the generation it stands for.

        `writes`: 0 where the transaction leaves the content as it is.
        """
        await execute(tx, _TURN, name=self.name, writes=writes)
        # Read by a query of its own: one that waited may remember what it read before.
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


def new_generation() -> str:
    """An id short enough for Neo4j to keep it within the node."""
    return secrets.token_hex(6)


async def save_versions(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """Up to which version each aggregate is there now."""
    await unwind(tx, _SAVE_VERSIONS, [(*change.key, change.version) for change in changes], generation=generation)


async def reach(tx: AsyncTransaction, generation: str, positions: Positions) -> None:
    """Remember positions; they never go back."""
    await unwind(
        tx, _REACH, [(*partition, positions[partition]) for partition in sorted(positions)], generation=generation
    )


async def changed(tx: AsyncTransaction, generation: str, tenants: Iterable[str]) -> None:
    """Give the tenants' content a new name."""
    await unwind(tx, _CHANGED, [(tenant,) for tenant in sorted(tenants)], generation=generation)


async def _versions(tx: AsyncTransaction, generation: str, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
    rows = await unwind(tx, _VERSIONS, keys, generation=generation)
    return {AggregateKey(row["tenant"], row["kind"], row["id"]): row["version"] for row in rows}
