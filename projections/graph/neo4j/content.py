"""The nodes and edges of aggregates, written and removed within one generation.

    (:Document {document_id, collection})
    (:Passage {chunk_id, document_id, index})-[:NEXT]->(:Passage)
    (:Passage)-[:MENTIONS {name, type, times, lookup}]->(:Entity {entity_id, name, type, passages, merged_into, valid,
                                                          names, name_types, name_times})
    (:Passage)-[:ABOUT {name, quality, lookup}]->(:Entity)
    (:Entity)-[:RELATES {relation_id, subject, predicate, object, chunk_id, start_at, end_at, confidence,
                        modality, time, valid_from, valid_until}]->(:Entity)

Every node has `generation` and `tenant`. `lookup` is generation, tenant and the name's key, where it has one (see
`projections.graph.model`). What a person decided of an entity lies on its node: `decided` is true where
there is a decision, `decided_name` and `decided_type` come before what the documents say, `given_names` are looked for
beside those of the documents. A passage without an `index`
is none of a document's passages now; it stands where edges are still to be replaced.
"""

from collections.abc import Sequence
from itertools import pairwise

from neo4j import AsyncTransaction

from projections.changes import Change, Row
from projections.graph.model import LAYOUT
from projections.graph.naming import EntityKey, NamingRow
from projections.graph.neo4j.connection import unwind

_DOCUMENT = "MATCH (p:Passage {generation: $generation, tenant: row[0], document_id: row[1]})"
_PASSAGE = "MATCH (p:Passage {generation: $generation, tenant: row[0], chunk_id: row[2]})"
_ENTITY = "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[3]})"

# One property that one index has. Without a key there is none.
_LOOKUP = "CASE WHEN row[{0}] <> '' THEN $generation + '/' + row[0] + '/' + row[{0}] END"

_FORGET = {
    "mentions": f"UNWIND $rows AS row {_DOCUMENT}-[r:MENTIONS]->() DELETE r",
    "subjects": f"UNWIND $rows AS row {_DOCUMENT}-[r:ABOUT]->() DELETE r",
    "relations": "UNWIND $rows AS row "
    "MATCH ()-[r:RELATES {generation: $generation, tenant: row[0], document_id: row[1]}]->() DELETE r",
    "decisions": "UNWIND $rows AS row "
    "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]}) "
    "REMOVE e.decided, e.decided_name, e.decided_type, e.merged_into, e.valid, e.given_names",
}
_FORGET_DOCUMENTS = (
    "UNWIND $rows AS row MATCH (d:Document {generation: $generation, tenant: row[0], document_id: row[1]}) DELETE d"
)
_DOCUMENTS = (
    "UNWIND $rows AS row "
    "MERGE (d:Document {generation: $generation, tenant: row[0], document_id: row[1]}) SET d.collection = row[2]"
)
_FORGET_PASSAGES = f"UNWIND $rows AS row {_DOCUMENT} REMOVE p.index WITH p MATCH (p)-[n:NEXT]->() DELETE n"

_WRITE = {
    "mentions": f"UNWIND $rows AS row {_PASSAGE} {_ENTITY} "
    f"CREATE (p)-[:MENTIONS {{name: row[4], type: row[5], times: row[6], lookup: {_LOOKUP.format(7)}}}]->(e)",
    "subjects": f"UNWIND $rows AS row {_PASSAGE} {_ENTITY} "
    f"CREATE (p)-[:ABOUT {{name: row[4], quality: row[5], lookup: {_LOOKUP.format(6)}}}]->(e)",
    "relations": "UNWIND $rows AS row "
    "MATCH (s:Entity {generation: $generation, tenant: row[0], entity_id: row[3]}) "
    "MATCH (o:Entity {generation: $generation, tenant: row[0], entity_id: row[6]}) "
    "CREATE (s)-[:RELATES {generation: $generation, tenant: row[0], document_id: row[1], relation_id: row[2], "
    "subject: row[4], predicate: row[5], object: row[7], chunk_id: row[8], start_at: row[9], end_at: row[10], "
    "confidence: row[11], modality: row[12], time: row[13], valid_from: row[14], valid_until: row[15]}]->(o)",
    "decisions": "UNWIND $rows AS row "
    "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]}) "
    "SET e.decided = true, e.decided_name = row[2], e.decided_type = row[3], e.merged_into = row[4], e.valid = row[5], "
    "e.given_names = row[6]",
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
_NAMING_ROWS = (
    f"UNWIND $rows AS row {_DOCUMENT}-[r:MENTIONS|ABOUT]->(e) "
    "RETURN CASE type(r) WHEN 'MENTIONS' THEN 'mentions' ELSE 'subjects' END, p.tenant, p.document_id, e.entity_id, "
    "r.name, coalesce(r.type, ''), p.chunk_id",
    "UNWIND $rows AS row "
    "MATCH (s)-[r:RELATES {generation: $generation, tenant: row[0], document_id: row[1]}]->(o) "
    "UNWIND [[s.entity_id, r.subject], [o.entity_id, r.object]] AS named "
    "RETURN 'relations', r.tenant, r.document_id, named[0], named[1], '', r.chunk_id",
)
_DELETE_UNTIED = f"UNWIND $rows AS row {_DOCUMENT} WHERE p.index IS NULL AND NOT (p)--() DELETE p"


async def naming_rows_of(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> list[NamingRow]:
    """All rows that name entities, as they are stored, of documents that change any of them."""
    old = _old(changes, *(naming.table for naming in LAYOUT.names))
    rows = [row for query in _NAMING_ROWS for row in await unwind(tx, query, old, generation=generation)]
    return [NamingRow(*row) for row in rows]


async def replace_passages(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """Documents, and passages of those that have others now, also those that only edges start from."""
    await unwind(tx, _FORGET_DOCUMENTS, _old(changes, "documents"), generation=generation)
    await unwind(tx, _FORGET_PASSAGES, _old(changes, "passages"), generation=generation)
    await add_passages(tx, generation, changes)


async def replace_edges(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """Edges and decisions; the entities are there."""
    for table, query in _FORGET.items():
        await unwind(tx, query, _old(changes, table), generation=generation)
    await add_edges(tx, generation, changes)
    await unwind(tx, _DELETE_UNTIED, _old(changes, "passages", "mentions", "subjects"), generation=generation)


async def add(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> int:
    """Write all sections of aggregates that are not there yet; returns the number of rows."""
    await add_passages(tx, generation, changes)
    await unwind(tx, _ENTITIES, sorted(LAYOUT.named(changes)), generation=generation)
    await add_edges(tx, generation, changes)
    return sum(len(rows) for change in changes for rows in change.sections.values())


async def add_passages(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """New documents and passages, and the way from each to the next."""
    await unwind(tx, _DOCUMENTS, _rows(changes, "documents"), generation=generation)
    await unwind(tx, _PASSAGES, _rows(changes, "passages"), generation=generation)
    await unwind(tx, _NEXT, _successions(changes), generation=generation)
    await unwind(tx, _BARE_PASSAGES, _bare_passages(changes), generation=generation)


async def add_edges(tx: AsyncTransaction, generation: str, changes: Sequence[Change]) -> None:
    """New edges between passages and entities that are there, and decisions."""
    for table, query in _WRITE.items():
        await unwind(tx, query, _rows(changes, table), generation=generation)


def _old(changes: Sequence[Change], *tables: str) -> list[EntityKey]:
    """Tenant and id of the aggregates that were there before and of which one of these tables is replaced.

    A new one has nothing there to be removed.
    """
    return [
        (change.key.tenant, change.key.aggregate_id)
        for change in changes
        if change.previous and not change.sections.keys().isdisjoint(tables)
    ]


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


def _bare_passages(changes: Sequence[Change]) -> list[tuple[str, str, str]]:
    """Passages that mentions and subjects start from and that are none of the document's own passages now."""
    ends = {(row[0], row[1], row[2]) for table in ("mentions", "subjects") for row in _rows(changes, table)}
    return sorted(ends - {(row[0], row[1], row[2]) for row in _rows(changes, "passages")})
