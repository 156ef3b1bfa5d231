"""Constraints and indexes of the graph, in numbered steps that are each applied once."""

from collections.abc import Iterable
from typing import NamedTuple

from neo4j import Record

from eventstore.migrations.plan import label, pending
from projections.graph.neo4j.connection import BULK_LIMIT_S, Neo4jDriver, alone, execute, fetch, transaction


class Migration(NamedTuple):
    """One step. Its statements may be repeated: after a crash between them the next start repeats them."""

    number: int
    name: str
    statements: tuple[str, ...]


def _unique(label: str, *properties: str) -> str:
    columns = ", ".join(f"n.{name}" for name in properties)
    name = f"annals_{label.lower()}"
    return f"CREATE CONSTRAINT {name} IF NOT EXISTS FOR (n:{label}) REQUIRE ({columns}) IS UNIQUE"


# Community has unique constraints over several properties, but no node keys and no existence constraints.
MIGRATIONS = (
    Migration(
        1,
        "graph",
        (
            _unique("ReadModel", "name"),
            _unique("Aggregate", "generation", "tenant", "kind", "id"),
            _unique("Position", "generation", "topic", "partition"),
            _unique("State", "generation", "tenant"),
            _unique("Passage", "generation", "tenant", "chunk_id"),
            _unique("Entity", "generation", "tenant", "entity_id"),
            "CREATE INDEX annals_passage_document IF NOT EXISTS "
            "FOR (n:Passage) ON (n.generation, n.tenant, n.document_id)",
            "CREATE INDEX annals_entity_merged IF NOT EXISTS FOR (n:Entity) ON (n.generation, n.tenant, n.merged_into)",
            "CREATE INDEX annals_relates_document IF NOT EXISTS "
            "FOR ()-[r:RELATES]-() ON (r.generation, r.tenant, r.document_id)",
        ),
    ),
    Migration(2, "turns", (_unique("Turn", "name", "slot"),)),
    Migration(
        3,
        "lookup",
        (
            "CREATE INDEX annals_about_lookup IF NOT EXISTS FOR ()-[r:ABOUT]-() ON (r.lookup)",
            "CREATE INDEX annals_mentions_lookup IF NOT EXISTS FOR ()-[r:MENTIONS]-() ON (r.lookup)",
            "CREATE INDEX annals_relates_chunk IF NOT EXISTS "
            "FOR ()-[r:RELATES]-() ON (r.generation, r.tenant, r.chunk_id)",
        ),
    ),
    Migration(4, "documents", (_unique("Document", "generation", "tenant", "document_id"),)),
    Migration(
        5,
        "decisions",
        ("CREATE INDEX annals_entity_decided IF NOT EXISTS FOR (n:Entity) ON (n.generation, n.tenant, n.decided)",),
    ),
)

# Number 0 is no migration: its node is what those who migrate wait for.
_TURN = "MERGE (m:AnnalsMigration {number: 0}) SET m.turn = timestamp()"
_APPLIED = "MATCH (m:AnnalsMigration) WHERE m.number > 0 RETURN m.number AS number, m.name AS name"


async def migrate(driver: Neo4jDriver) -> list[str]:
    """Bring the database to today's schema; returns what was applied. Safe to call at any start.

    Raises StoreUnavailableError, UnknownMigrationError, MissingMigrationError.
    """
    if not pending(MIGRATIONS, _names(await alone(driver, _APPLIED)), "the graph"):
        return []
    await alone(driver, _unique("AnnalsMigration", "number"))
    return await _apply(driver)


async def _apply(driver: Neo4jDriver) -> list[str]:
    """One at a time, whoever starts first."""
    async with transaction(driver, BULK_LIMIT_S) as tx:
        await execute(tx, _TURN)
        todo = pending(MIGRATIONS, _names(await fetch(tx, _APPLIED)), "the graph")
        for migration in todo:
            for statement in migration.statements:
                # Cypher changes the schema in transactions that do nothing else.
                await alone(driver, statement, limit_s=BULK_LIMIT_S)
            await alone(driver, "CALL db.awaitIndexes(3000)", limit_s=BULK_LIMIT_S)
            await execute(
                tx,
                "CREATE (:AnnalsMigration {number: $number, name: $name, applied_at: datetime()})",
                number=migration.number,
                name=migration.name,
            )
    return [label(migration) for migration in todo]


def _names(rows: Iterable[Record]) -> dict[int, str]:
    return {row["number"]: row["name"] for row in rows}
