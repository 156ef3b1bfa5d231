"""Entities as they follow from the edges and the decisions: the same rule as in `projections/graph/entities.sql`.

The most frequent name wins, in a tie the first by its bytes. Which is first is decided here: Neo4j compares some
strings by code points and others by UTF-16, depending on where they come from.
"""

from collections.abc import Iterable, Sequence

from neo4j import AsyncDriver, AsyncTransaction, Record

from projections.graph.neo4j.connection import BATCH, BULK_LIMIT_S, transaction, unwind
from projections.graph.neo4j.content import EntityKey

# A relation of an entity with itself names it twice.
_NAMED = """
        MATCH (e)<-[r:MENTIONS|ABOUT|RELATES]-(other)
        RETURN coalesce(r.name, r.object) AS name, coalesce(r.chunk_id, other.chunk_id) AS chunk
        UNION ALL
        MATCH (e)-[r:RELATES]->() RETURN r.subject AS name, r.chunk_id AS chunk
"""
_MOST = "WITH collect([name, times]) AS counted, max(times) AS most RETURN [c IN counted WHERE c[1] = most | c[0]]"
_SPOKEN = f"""
UNWIND $rows AS row
MATCH (e:Entity {{generation: $generation, tenant: row[0], entity_id: row[1]}})
CALL (e) {{ CALL (e) {{ {_NAMED} }} RETURN count(DISTINCT chunk) AS passages }}
CALL (e) {{ CALL (e) {{ {_NAMED} }} WITH name, count(*) AS times {_MOST} AS names }}
CALL (e) {{ MATCH (e)<-[r:MENTIONS]-() WITH r.type AS name, count(*) AS times {_MOST} AS types }}
RETURN e.tenant AS tenant, e.entity_id AS id, names, types, passages
"""
_SET = """
UNWIND $rows AS row
MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})
SET e.name = coalesce(e.decided_name, row[2], e.entity_id), e.type = coalesce(e.decided_type, row[3]),
    e.passages = row[4]
"""
_UNSPOKEN = """
UNWIND $rows AS row
MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})
WHERE e.decided IS NULL AND NOT (e)--()
DELETE e
"""
_KEYS = """
MATCH (e:Entity {generation: $generation}) WHERE e.tenant IS NOT NULL AND e.entity_id IS NOT NULL
RETURN e.tenant, e.entity_id
"""


async def derive(tx: AsyncTransaction, generation: str, touched: Iterable[EntityKey]) -> None:
    """Derive these entities anew; those that nothing speaks of any more are removed."""
    rows = sorted(touched)
    await unwind(tx, _UNSPOKEN, rows, generation=generation)
    await _derive(tx, generation, rows)


async def derive_all(driver: AsyncDriver, generation: str) -> None:
    """Derive every entity of a generation that nobody writes meanwhile. Raises StoreUnavailable."""
    async with transaction(driver, BULK_LIMIT_S) as reading:
        keys = await reading.run(_KEYS, generation=generation)
        while batch := await keys.fetch(BATCH):
            async with transaction(driver, BULK_LIMIT_S) as tx:
                await _derive(tx, generation, [(key[0], key[1]) for key in batch])


async def _derive(tx: AsyncTransaction, generation: str, keys: Sequence[EntityKey]) -> None:
    spoken = await unwind(tx, _SPOKEN, keys, generation=generation)
    await unwind(tx, _SET, map(_row, spoken), generation=generation)


def _row(spoken: Record) -> tuple[str, str, str | None, str | None, int]:
    return spoken["tenant"], spoken["id"], _first(spoken["names"]), _first(spoken["types"]), spoken["passages"]


def _first(names: Sequence[str]) -> str | None:
    return min(names, key=str.encode, default=None)
