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
from typing import NamedTuple

from neo4j import AsyncTransaction, Record

from projections.errors import WriteConflictError
from projections.graph.naming import EntityKey, EntityNames
from projections.graph.neo4j.connection import BATCH, BULK_LIMIT_S, Neo4jDriver, alone, transaction, unwind

_LOCK = """
UNWIND $rows AS row
MERGE (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]}) SET e.locked = true
RETURN elementId(e)
"""
# By the node that was locked: one that another writer deleted meanwhile is not there, also where a third made it anew.
_STORED = """
UNWIND $rows AS row MATCH (e) WHERE elementId(e) = row[2]
RETURN row[0] AS tenant, row[1] AS id, row[2] AS node, coalesce(e.names, []) AS names,
    coalesce(e.name_types, []) AS types, coalesce(e.name_times, []) AS times, coalesce(e.passages, 0) AS passages
"""
_KEEP = """
UNWIND $rows AS row MATCH (e) WHERE elementId(e) = row[0]
SET e.names = row[1], e.name_types = row[2], e.name_times = row[3], e.passages = row[4],
    e.name = coalesce(e.decided_name, row[5], e.entity_id), e.type = coalesce(e.decided_type, row[6])
"""
_UNSPOKEN = """
UNWIND $rows AS row MATCH (e) WHERE elementId(e) = row[0] AND e.decided IS NULL AND NOT (e)--() DELETE e
"""

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
_RESOLVE = """
UNWIND $rows AS row
MATCH (e:Entity {generation: $generation, tenant: row[0], entity_id: row[1]})
SET e.name = coalesce(e.decided_name, row[2], e.entity_id), e.type = coalesce(e.decided_type, row[3])
"""


class Locked(NamedTuple):
    """An entity's node, by the id that Neo4j gave it, and what is kept of the entity."""

    node: str
    names: EntityNames


async def lock(tx: AsyncTransaction, generation: str, entities: Iterable[EntityKey]) -> dict[EntityKey, Locked]:
    """Lock these until the transaction ends, in the order of their keys; those that are not there yet are made.

    Raises WriteConflictError where another writer deleted one meanwhile.
    """
    wanted = sorted(entities)
    nodes = await unwind(tx, _LOCK, wanted, generation=generation)
    rows = [(*key, node[0]) for key, node in zip(wanted, nodes, strict=True)]
    # A query of its own: one that waited for a lock may remember what it read before.
    found = await unwind(tx, _STORED, rows)
    if len(found) < len(wanted):
        raise WriteConflictError
    return {(row["tenant"], row["id"]): Locked(row["node"], _names(row)) for row in found}


async def apply_differences(
    tx: AsyncTransaction,
    locked: Mapping[EntityKey, Locked],
    changes: Mapping[EntityKey, EntityNames],
    decided: Iterable[EntityKey],
) -> None:
    """Bring locked entities to what edges and decisions say now.

    An entity that nothing speaks of any more is removed.
    """
    now = {key: locked[key].names.plus(change) for key, change in changes.items() if change}
    now |= {key: locked[key].names for key in decided if key not in now}
    await unwind(tx, _KEEP, [_row(locked[key].node, names) for key, names in now.items()])
    await unwind(tx, _UNSPOKEN, [(locked[key].node,) for key, names in now.items() if not names])


async def derive_all(driver: Neo4jDriver, generation: str) -> None:
    """Derive every entity of a generation that nobody writes meanwhile. Raises StoreUnavailableError."""
    tied = await alone(driver, _FOLLOW_ALL, limit_s=BULK_LIMIT_S, generation=generation)
    rows = [(row["tenant"], row["id"], _first(row["firsts"]), _first(row["types"])) for row in tied]
    async with transaction(driver, BULK_LIMIT_S) as tx:
        await unwind(tx, _RESOLVE, rows, generation=generation)


def _names(row: Record) -> EntityNames:
    counted = zip(row["names"], row["types"], row["times"], strict=True)
    return EntityNames(Counter({(name, kind): times for name, kind, times in counted}), row["passages"])


def _row(node: str, names: EntityNames) -> tuple[object, ...]:
    said = sorted(names.times)
    return (
        node,
        [name for name, _ in said],
        [kind for _, kind in said],
        [names.times[one] for one in said],
        names.passages,
        names.name,
        names.type,
    )


def _first(names: Sequence[str]) -> str | None:
    return min(names, key=str.encode, default=None)
