"""Entities as they follow from the edges and the decisions: the same rule as in `projections/postgres/entities.py`.

An entity's node keeps how often documents give it which name and type, as three lists side by side (`names`,
`name_types`, `name_times`), and in how many passages (`passages`). A write changes them by difference, from what its
documents said before and say now, so it costs what these name, however often others name the same. A bulk load derives
them from all edges at once.

Which of several names is first is decided here: Neo4j compares some strings by code points and others by UTF-16,
depending on where they come from.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from neo4j import AsyncTransaction, Record

from projections.errors import WriteConflictError
from projections.graph.naming import EntityKey, EntityNames
from projections.graph.neo4j.connection import BATCH, BULK_LIMIT_S, Neo4jDriver, alone, transaction, unwind

_ENTITY = "MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})"
_LOCK = """
UNWIND $rows AS row
MERGE (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]}) SET e.locked = true
"""
_STORED = f"""
UNWIND $rows AS row {_ENTITY}
RETURN e.tenant AS tenant, e.entity_id AS id, coalesce(e.names, []) AS names, coalesce(e.name_types, []) AS types,
    coalesce(e.name_times, []) AS times, coalesce(e.passages, 0) AS passages
"""
_KEEP = f"""
UNWIND $rows AS row {_ENTITY}
SET e.names = row[2], e.name_types = row[3], e.name_times = row[4], e.passages = row[5],
    e.name = coalesce(e.decided_name, row[6], e.entity_id), e.type = coalesce(e.decided_type, row[7])
"""
_UNSPOKEN = f"UNWIND $rows AS row {_ENTITY} WHERE e.decided IS NULL AND NOT (e)--() DELETE e"

# A relation of an entity with itself names it twice.
_NAMED = """
        MATCH (e)<-[r:MENTIONS|ABOUT|RELATES]-(other)
        RETURN coalesce(r.name, r.object) AS name, coalesce(r.type, '') AS type,
            coalesce(r.chunk_id, other.chunk_id) AS chunk
        UNION ALL
        MATCH (e)-[r:RELATES]->() RETURN r.subject AS name, '' AS type, r.chunk_id AS chunk
"""
_MOST = "collect([value, times]) AS counted, max(times) AS most RETURN [c IN counted WHERE c[1] = most | c[0]]"
# Sets what follows, and returns what it cannot decide: where several names or types are the most frequent.
_FOLLOW_ALL = f"""
MATCH (e:Entity {{generation: $generation}}) WHERE e.tenant IS NOT NULL AND e.entity_id IS NOT NULL
CALL (e) {{
    CALL (e) {{
        CALL (e) {{ {_NAMED} }}
        WITH name, type, count(*) AS times, collect(DISTINCT chunk) AS chunks
        WITH collect([name, type, times]) AS said, collect(chunks) AS spoken
        RETURN said,
            CASE size(spoken) WHEN 1 THEN size(spoken[0])
            ELSE COUNT {{ UNWIND spoken AS some UNWIND some AS chunk RETURN DISTINCT chunk }} END AS passages
    }}
    CALL (said) {{ UNWIND said AS s WITH s[0] AS value, sum(s[2]) AS times WITH {_MOST} AS firsts }}
    CALL (said) {{
        UNWIND said AS s WITH s WHERE s[1] <> '' WITH s[1] AS value, sum(s[2]) AS times WITH {_MOST} AS types
    }}
    SET e.names = [s IN said | s[0]], e.name_types = [s IN said | s[1]], e.name_times = [s IN said | s[2]],
        e.name = coalesce(e.decided_name, head(firsts), e.entity_id),
        e.type = coalesce(e.decided_type, head(types)), e.passages = passages
    WITH firsts, types WHERE size(firsts) > 1 OR size(types) > 1
    RETURN firsts, types
}} IN TRANSACTIONS OF {BATCH} ROWS
RETURN e.tenant AS tenant, e.entity_id AS id, firsts, types
"""
_RESOLVE = f"""
UNWIND $rows AS row {_ENTITY}
SET e.name = coalesce(e.decided_name, row[2], e.entity_id), e.type = coalesce(e.decided_type, row[3])
"""


async def lock(tx: AsyncTransaction, generation: str, entities: Iterable[EntityKey]) -> dict[EntityKey, EntityNames]:
    """Lock these until the transaction ends, in the order of their keys; those that are not there yet are made.

    Returns what is kept of each. Raises WriteConflictError where another writer deleted one meanwhile.
    """
    wanted = sorted(entities)
    await unwind(tx, _LOCK, wanted, generation=generation)
    # A query of its own: one that waited for a lock may remember what it read before.
    stored = {
        (row["tenant"], row["id"]): _names(row) for row in await unwind(tx, _STORED, wanted, generation=generation)
    }
    if len(stored) < len(wanted):
        raise WriteConflictError
    return stored


async def apply_differences(
    tx: AsyncTransaction,
    generation: str,
    stored: Mapping[EntityKey, EntityNames],
    changes: Mapping[EntityKey, EntityNames],
    decided: Iterable[EntityKey],
) -> None:
    """Bring locked entities, of which `stored` is kept, to what edges and decisions say now.

    An entity that nothing speaks of any more is removed.
    """
    now = {key: stored[key].plus(change) for key, change in changes.items() if change}
    now |= {key: stored[key] for key in decided if key not in now}
    rows = [_row(key, names) for key, names in sorted(now.items(), key=lambda one: one[0])]
    await unwind(tx, _KEEP, rows, generation=generation)
    await unwind(tx, _UNSPOKEN, sorted(key for key, names in now.items() if not names), generation=generation)


async def derive_all(driver: Neo4jDriver, generation: str) -> None:
    """Derive every entity of a generation that nobody writes meanwhile. Raises StoreUnavailableError."""
    tied = await alone(driver, _FOLLOW_ALL, limit_s=BULK_LIMIT_S, generation=generation)
    rows = [(row["tenant"], row["id"], _first(row["firsts"]), _first(row["types"])) for row in tied]
    async with transaction(driver, BULK_LIMIT_S) as tx:
        await unwind(tx, _RESOLVE, rows, generation=generation)


def _names(row: Record) -> EntityNames:
    counted = zip(row["names"], row["types"], row["times"], strict=True)
    return EntityNames(Counter({(name, kind): times for name, kind, times in counted}), row["passages"])


def _row(key: EntityKey, names: EntityNames) -> tuple[object, ...]:
    said = sorted(names.times)
    return (
        *key,
        [name for name, _ in said],
        [kind for _, kind in said],
        [names.times[one] for one in said],
        names.passages,
        names.name,
        names.type,
    )


def _first(names: Sequence[str]) -> str | None:
    return min(names, key=str.encode, default=None)
