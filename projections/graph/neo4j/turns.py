"""Who may write a read model in Neo4j: writers side by side, or one alone.

Neo4j's Cypher has locks that one transaction holds alone, and none that several share. So each name has SLOTS nodes
`(:Turn {name, slot, tag})`: a writer locks one of them, and whoever wants the read model alone, or waits for all who
write now, locks each. Neo4j holds a lock until the transaction ends. A writer that changes the content gives its slot a
new tag in the same transaction: by the tags together a reader knows that nothing was written meanwhile.
"""

from neo4j import AsyncTransaction

from eventstore.errors import StoreUnavailableError
from projections.graph.neo4j.connection import Neo4jDriver, alone, execute, fetch

SLOTS = 16
"""As many can write at once; more wait for one another."""

_MAKE = """
UNWIND range(0, $slots - 1) AS slot
MERGE (t:Turn {name: $name, slot: slot}) ON CREATE SET t.locked = true, t.tag = randomUUID()
"""
# A property that is set locks its node, and writes nothing where it is there already.
_SHARE = "MATCH (t:Turn {name: $name, slot: $slot}) SET t.locked = true RETURN t.slot AS slot"
_SHARE_AND_CHANGE = """
MATCH (t:Turn {name: $name, slot: $slot}) SET t.tag = randomUUID() RETURN t.slot AS slot
"""
# Always in the same order. Writers of schema version 1 took turns on the read model's own node.
_TAKE = (
    "MATCH (m:ReadModel {name: $name}) SET m.turn = timestamp()",
    "MATCH (t:Turn {name: $name}) WITH t ORDER BY t.slot SET t.locked = true",
)
# One slot after the other: who waits for one holds none.
_WAIT = "MATCH (t:Turn {name: $name}) CALL (t) { SET t.locked = true } IN TRANSACTIONS OF 1 ROW"


async def make_turns(tx: AsyncTransaction, name: str) -> None:
    """The slots of a name, where they are not there yet."""
    await execute(tx, _MAKE, name=name, slots=SLOTS)


async def share_turn(tx: AsyncTransaction, name: str, slot: int, *, changes: bool) -> None:
    """Write beside others until the transaction ends; waits while another has the slot, or has all.

    `changes`: whether the transaction changes the content. Raises StoreUnavailableError where there is no such name.
    """
    if not await fetch(tx, _SHARE_AND_CHANGE if changes else _SHARE, name=name, slot=slot % SLOTS):
        raise StoreUnavailableError(f"Neo4j holds no read model {name!r} of this version; run: annals replay graph")


async def take_turn(tx: AsyncTransaction, name: str) -> None:
    """Wait for all who write now and keep others from writing until the transaction ends."""
    for query in _TAKE:
        await execute(tx, query, name=name)


async def wait_for_writers(driver: Neo4jDriver, name: str) -> None:
    """Until all who write now have ended; nobody waits for it. Raises StoreUnavailableError."""
    await alone(driver, _WAIT, name=name)
