"""The graph as one writes it who has nothing but the driver: no versions to heed, every derived value known before."""

import json
from collections.abc import Sequence
from typing import Any

from projections.changes import Change
from projections.graph.model import LAYOUT
from projections.graph.neo4j.connection import Neo4jDriver
from projections.graph.neo4j.store import Neo4jGraphStore

Statements = list[tuple[str, list[list[Any]]]]
"""Queries with the rows that each is given, in one transaction."""
Entities = dict[tuple[str, str], list[Any]]
"""By tenant and id: both of them, name, type, number of passages, and how often it has which name and type."""

_ENDS = (
    "MATCH (p:Passage {generation: $generation, tenant: row[0], chunk_id: row[2]}) "
    "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[3]}) "
)
_LOOKUP = "CASE WHEN row[{0}] <> '' THEN $generation + '/' + row[0] + '/' + row[{0}] END"
_AGGREGATES = "CREATE (:Aggregate {generation: $generation, tenant: row[0], kind: row[1], id: row[2], version: row[3]})"
_ENTITIES = (
    "CREATE (:Entity {generation: $generation, tenant: row[0], entity_id: row[1], name: row[2], type: row[3], "
    "passages: row[4], names: row[5], name_types: row[6], name_times: row[7]})"
)
_TABLES = {
    "passages": "CREATE (:Passage {generation: $generation, tenant: row[0], document_id: row[1], chunk_id: row[2], "
    "index: row[3]})",
    "mentions": f"{_ENDS} CREATE (p)-[:MENTIONS {{name: row[4], type: row[5], times: row[6], "
    f"lookup: {_LOOKUP.format(7)}}}]->(e)",
    "subjects": f"{_ENDS} CREATE (p)-[:ABOUT {{name: row[4], quality: row[5], lookup: {_LOOKUP.format(6)}}}]->(e)",
    "relations": "MATCH (s:Entity {generation: $generation, tenant: row[0], entity_id: row[3]}) "
    "MATCH (o:Entity {generation: $generation, tenant: row[0], entity_id: row[6]}) "
    "CREATE (s)-[:RELATES {generation: $generation, tenant: row[0], document_id: row[1], relation_id: row[2], "
    "subject: row[4], predicate: row[5], object: row[7], chunk_id: row[8], start_at: row[9], end_at: row[10], "
    "confidence: row[11], modality: row[12], time: row[13], valid_from: row[14], valid_until: row[15]}]->(o)",
}


async def entities_of(store: Neo4jGraphStore) -> Entities:
    """The entities that a generation derived. Raises StoreUnavailableError."""
    async with store.snapshot() as snapshot:
        rows = [json.loads(row) async for row in snapshot.rows("entities")]
        said = [json.loads(row) async for row in snapshot.rows("entity_names")]
    entities = {(row[0], row[1]): [*row[:5], [], [], []] for row in rows}
    for tenant, entity, *counted in said:
        for column, value in enumerate(counted, start=5):
            entities[tenant, entity][column].append(value)
    return entities


def plain_statements(portions: Sequence[Sequence[Change]], entities: Entities) -> list[Statements]:
    """For each portion what one transaction does; an entity comes with the first portion that speaks of it."""
    left = dict(entities)
    made = []
    for changes in portions:
        statements: Statements = [
            (_AGGREGATES, [[*change.key, change.version] for change in changes]),
            (_ENTITIES, [left.pop(key) for key in sorted(LAYOUT.named(changes)) if key in left]),
        ]
        for table in LAYOUT.tables:
            rows = [list(row) for change in changes for row in change.sections.get(table.name, ())]
            if rows:
                statements.append((_TABLES[table.name], rows))
        made.append(statements)
    return made


async def write_plainly(driver: Neo4jDriver, generation: str, portions: Sequence[Statements]) -> None:
    """One transaction for each portion. Raises the driver's own errors."""
    async with driver.session() as session:
        for statements in portions:
            async with await session.begin_transaction() as tx:
                for query, rows in statements:
                    result = await tx.run(f"UNWIND $rows AS row {query}", rows=rows, generation=generation)
                    await result.consume()
