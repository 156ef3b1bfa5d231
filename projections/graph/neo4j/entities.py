"""Entities as they follow from the edges and the decisions: the same rule as in `projections/postgres/entities.py`.

The most frequent name wins, in a tie the first by its bytes. Which is first is decided here: Neo4j compares some
strings by code points and others by UTF-16, depending on where they come from.
"""

from collections.abc import Iterable, Sequence

from neo4j import AsyncTransaction, Record

from projections.graph.neo4j.connection import BATCH, BULK_LIMIT_S, Neo4jDriver, alone, transaction, unwind
from projections.graph.neo4j.content import EntityKey

# A relation of an entity with itself names it twice.
_NAMED = """
        MATCH (e)<-[r:MENTIONS|ABOUT|RELATES]-(other)
        RETURN coalesce(r.name, r.object) AS name, coalesce(r.chunk_id, other.chunk_id) AS chunk
        UNION ALL
        MATCH (e)-[r:RELATES]->() RETURN r.subject AS name, r.chunk_id AS chunk
"""
_MOST = "WITH collect([name, times]) AS counted, max(times) AS most RETURN [c IN counted WHERE c[1] = most | c[0]]"
# Sets what follows, and returns what it cannot decide: where several names or types are the most frequent.
_FOLLOW = f"""
    CALL (e) {{
        CALL (e) {{ {_NAMED} }}
        WITH name, count(*) AS times, collect(DISTINCT chunk) AS chunks
        WITH collect([name, times]) AS counted, max(times) AS most, collect(chunks) AS spoken
        RETURN [c IN counted WHERE c[1] = most | c[0]] AS names,
            CASE size(spoken) WHEN 1 THEN size(spoken[0])
            ELSE COUNT {{ UNWIND spoken AS some UNWIND some AS chunk RETURN DISTINCT chunk }} END AS passages
    }}
    CALL (e) {{ MATCH (e)<-[r:MENTIONS]-() WITH r.type AS name, count(*) AS times {_MOST} AS types }}
    SET e.name = coalesce(e.decided_name, head(names), e.entity_id), e.type = coalesce(e.decided_type, head(types)),
        e.passages = passages
    WITH e, names, types WHERE size(names) > 1 OR size(types) > 1
"""
_FOLLOW_SOME = f"""
UNWIND $rows AS row
MATCH (e:Entity {{generation: $generation, tenant: row[0], entity_id: row[1]}})
{_FOLLOW} RETURN e.tenant AS tenant, e.entity_id AS id, names, types
"""
_FOLLOW_ALL = f"""
MATCH (e:Entity {{generation: $generation}}) WHERE e.tenant IS NOT NULL AND e.entity_id IS NOT NULL
CALL (e) {{ {_FOLLOW} RETURN names, types }} IN TRANSACTIONS OF {BATCH} ROWS
RETURN e.tenant AS tenant, e.entity_id AS id, names, types
"""
_RESOLVE = """
UNWIND $rows AS row
MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})
SET e.name = coalesce(e.decided_name, row[2], e.entity_id), e.type = coalesce(e.decided_type, row[3])
"""
_UNSPOKEN = """
UNWIND $rows AS row
MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})
WHERE e.decided IS NULL AND NOT (e)--()
DELETE e
"""


async def derive(tx: AsyncTransaction, generation: str, touched: Iterable[EntityKey]) -> None:
    """Derive these entities anew; those that nothing speaks of any more are removed."""
    rows = sorted(touched)
    await unwind(tx, _UNSPOKEN, rows, generation=generation)
    tied = await unwind(tx, _FOLLOW_SOME, rows, generation=generation)
    await unwind(tx, _RESOLVE, map(_row, tied), generation=generation)


async def derive_all(driver: Neo4jDriver, generation: str) -> None:
    """Derive every entity of a generation that nobody writes meanwhile. Raises StoreUnavailableError."""
    tied = await alone(driver, _FOLLOW_ALL, limit_s=BULK_LIMIT_S, generation=generation)
    async with transaction(driver, BULK_LIMIT_S) as tx:
        await unwind(tx, _RESOLVE, map(_row, tied), generation=generation)


def _row(tied: Record) -> tuple[str, str, str | None, str | None]:
    return tied["tenant"], tied["id"], _first(tied["names"]), _first(tied["types"])


def _first(names: Sequence[str]) -> str | None:
    return min(names, key=str.encode, default=None)
