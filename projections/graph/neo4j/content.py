"""The nodes and edges of aggregates, written and removed within one generation.

    (:Passage {chunk_id, document_id, index})-[:NEXT]->(:Passage)
    (:Passage)-[:MENTIONS {name, type, times}]->(:Entity {entity_id, name, type, passages, merged_into, valid})
    (:Passage)-[:ABOUT {name, quality}]->(:Entity)
    (:Entity)-[:RELATES {relation_id, subject, predicate, object, chunk_id, start_at, end_at, confidence}]->(:Entity)

Every node has `generation` and `tenant`. What a person decided of an entity lies on its node: `decided` is true where
there is a decision, `decided_name` and `decided_type` come before what the documents say. A passage without an `index`
is none of a document's passages now; it stands where edges are still to be replaced.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from neo4j import AsyncTransaction

from eventstore.keys import AggregateKey
from projections.changes import Change, Row
from projections.graph.model import LAYOUT
from projections.graph.neo4j.connection import unwind

EntityKey = tuple[str, str]
"""Tenant and entity id."""

_DOCUMENT = "MATCH (p:Passage {generation: $generation, tenant: row[0], document_id: row[1]})"
_PASSAGE = "MATCH (p:Passage {generation: $generation, tenant: row[0], chunk_id: row[2]})"
_ENTITY = "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[3]})"

_FORGET = {
    "passages": f"UNWIND $rows AS row {_DOCUMENT} REMOVE p.index WITH p MATCH (p)-[n:NEXT]->() DELETE n",
    "mentions": f"UNWIND $rows AS row {_DOCUMENT}-[r:MENTIONS]->(e) "
    "DELETE r RETURN DISTINCT e.tenant AS tenant, e.entity_id AS id",
    "subjects": f"UNWIND $rows AS row {_DOCUMENT}-[r:ABOUT]->(e) "
    "DELETE r RETURN DISTINCT e.tenant AS tenant, e.entity_id AS id",
    "relations": "UNWIND $rows AS row "
    "MATCH (s)-[r:RELATES {generation: $generation, tenant: row[0], document_id: row[1]}]->(o) "
    "DELETE r WITH s, o UNWIND [s, o] AS e RETURN DISTINCT e.tenant AS tenant, e.entity_id AS id",
    "decisions": "UNWIND $rows AS row "
    "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]}) "
    "REMOVE e.decided, e.decided_name, e.decided_type, e.merged_into, e.valid "
    "RETURN e.tenant AS tenant, e.entity_id AS id",
}

_WRITE = {
    "mentions": f"UNWIND $rows AS row {_PASSAGE} {_ENTITY} "
    "CREATE (p)-[:MENTIONS {name: row[4], type: row[5], times: row[6]}]->(e)",
    "subjects": f"UNWIND $rows AS row {_PASSAGE} {_ENTITY} CREATE (p)-[:ABOUT {{name: row[4], quality: row[5]}}]->(e)",
    "relations": "UNWIND $rows AS row "
    "MATCH (s:Entity {generation: $generation, tenant: row[0], entity_id: row[3]}) "
    "MATCH (o:Entity {generation: $generation, tenant: row[0], entity_id: row[6]}) "
    "CREATE (s)-[:RELATES {generation: $generation, tenant: row[0], document_id: row[1], relation_id: row[2], "
    "subject: row[4], predicate: row[5], object: row[7], chunk_id: row[8], start_at: row[9], end_at: row[10], "
    "confidence: row[11]}]->(o)",
    "decisions": "UNWIND $rows AS row "
    "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]}) "
    "SET e.decided = true, e.decided_name = row[2], e.decided_type = row[3], e.merged_into = row[4], e.valid = row[5]",
}

_PASSAGES = (
    "UNWIND $rows AS row MERGE (p:Passage {generation: $generation, tenant: row[0], chunk_id: row[2]}) "
    "SET p.document_id = row[1], p.index = row[3]"
)
_NEXT = (
    "UNWIND $rows AS row MATCH (a:Passage {generation: $generation, tenant: row[0], chunk_id: row[1]}) "
    "MATCH (b:Passage {generation: $generation, tenant: row[0], chunk_id: row[2]}) CREATE (a)-[:NEXT]->(b)"
)
_BARE_PASSAGES = (
    "UNWIND $rows AS row MERGE (p:Passage {generation: $generation, tenant: row[0], chunk_id: row[2]}) "
    "ON CREATE SET p.document_id = row[1]"
)
_ENTITIES = "UNWIND $rows AS row MERGE (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})"
_DELETE_UNTIED = f"UNWIND $rows AS row {_DOCUMENT} WHERE p.index IS NULL AND NOT (p)--() DELETE p"


async def forget(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> set[EntityKey]:
    """Remove what is about to be replaced; returns the entities that it spoke of."""
    touched: set[EntityKey] = set()
    for table, query in _FORGET.items():
        # An aggregate that is new has nothing there to be removed.
        old = _owners(change.key for change in changes if change.previous and table in change.sections)
        found = await unwind(tx, query, old, generation=generation)
        touched.update((row["tenant"], row["id"]) for row in found)
    return touched


async def add(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> int:
    """Write all sections; returns the number of rows. What they replace is gone already."""
    rows = {table.name: _rows(changes, table.name) for table in LAYOUT.tables}
    await unwind(tx, _PASSAGES, rows["passages"], generation=generation)
    await unwind(tx, _NEXT, _successions(changes), generation=generation)
    await unwind(tx, _BARE_PASSAGES, _bare_passages(rows), generation=generation)
    await unwind(tx, _ENTITIES, sorted(LAYOUT.named(changes)), generation=generation)
    for table, query in _WRITE.items():
        await unwind(tx, query, rows[table], generation=generation)
    return sum(map(len, rows.values()))


async def delete_stale(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """Remove passages that a document has no longer, and to which nothing leads."""
    old = _owners(change.key for change in changes if change.previous and change.key.kind == "document")
    await unwind(tx, _DELETE_UNTIED, old, generation=generation)


def _owners(keys: Iterable[AggregateKey]) -> list[EntityKey]:
    """Tenant and id of each."""
    return [(key.tenant, key.aggregate_id) for key in keys]


def _rows(changes: Sequence[Change], table: str) -> list[Row]:
    return [row for change in changes for row in change.sections.get(table, ())]


def _successions(changes: Sequence[Change]) -> list[tuple[str, str, str]]:
    """Tenant and the two chunks, where one passage of a document comes right behind another."""
    return [
        (one[0], one[2], other[2])
        for change in changes
        for one, other in pairwise(sorted(change.sections.get("passages", ()), key=lambda row: row[3]))
        if one[3] + 1 == other[3]
    ]


def _bare_passages(rows: dict[str, list[Row]]) -> list[tuple[str, str, str]]:
    """Passages that mentions and subjects start from and that are none of the document's own passages now."""
    ends = {(row[0], row[1], row[2]) for table in ("mentions", "subjects") for row in rows[table]}
    return sorted(ends - {(row[0], row[1], row[2]) for row in rows["passages"]})
