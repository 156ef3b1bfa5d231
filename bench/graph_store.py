"""Writing the graph into Neo4j, beside the same nodes and edges by the plain driver."""

import statistics
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bench.plain_graph import Statements, entities_of, plain_statements, write_plainly
from bench.servers import Figures, Stopwatch
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import Change
from projections.graph.neo4j.connection import open_driver, transaction
from projections.graph.neo4j.generation import Neo4jGeneration
from projections.graph.neo4j.live import LiveNeo4jGraphStore

NAME = "bench"
WARM_UP = 4
ROUNDS = 5
LIVE_DOCUMENTS = 1000
LIVE_BATCH = 100
REQUIRED = 0.7
POSITIONS = {("documents", 0): 1}

Portions = Sequence[Sequence[Change]]
Way = Callable[[Neo4jGeneration], Coroutine[Any, Any, None]]
"""One way to fill a generation that is empty."""


async def measure(uri: str, auth: tuple[str, str] | None, portions: Portions) -> Figures:
    """Nodes and edges a second of a bulk load and of live writes, each beside plain CREATEs in like transactions.

    Raises StoreUnavailableError.
    """
    changes = [change for portion in portions for change in portion][:LIVE_DOCUMENTS]
    batches = [changes[start : start + LIVE_BATCH] for start in range(0, len(changes), LIVE_BATCH)]
    async with open_driver(uri, *(auth or ())) as driver:
        generation = LiveNeo4jGraphStore(driver, NAME).generation("round")
        try:
            bulk = await _beside(generation, _load(portions), portions)
            live = await _beside(generation, _live(batches), batches)
        finally:
            await generation.discard()
    return {
        "bulk": {
            "of": "nodes and edges a second of a bulk load, beside plain CREATEs in like transactions (medians)",
            "required": REQUIRED,
            "reached": bulk["ratio"] >= REQUIRED,
            **bulk,
        },
        "live": {
            "of": "the same of live writes, 100 new documents in each, which derive what they touch at once",
            "required": None,
            **live,
        },
    }


async def _beside(generation: Neo4jGeneration, ours: Way, portions: Portions) -> dict[str, float]:
    """By turns, when the server is warm. Both end with the same nodes and edges."""
    await _seconds(generation, ours)
    # What a projection derives, the plain driver is told.
    plainly = _plainly(plain_statements(portions, await entities_of(generation.store)))
    digests = await _digests(generation)
    await _seconds(generation, plainly)
    assert await _digests(generation) == digests
    both = [(await _seconds(generation, ours), await _seconds(generation, plainly)) for _ in range(WARM_UP + ROUNDS)]
    written, created = (statistics.median(column) for column in zip(*both[WARM_UP:], strict=True))
    # The nodes of entities and of versions count as well.
    rows = sum(int(digest.partition(":")[0]) for digest in digests.values())
    return {
        "ratio": round(created / written, 3),
        "nodes_and_edges": rows,
        "written_per_s": round(rows / written),
        "created_per_s": round(rows / created),
    }


async def _seconds(generation: Neo4jGeneration, way: Way) -> float:
    """What was there before is dropped first."""
    await generation.begin()
    watch = Stopwatch()
    await way(generation)
    return watch.seconds


async def _digests(generation: Neo4jGeneration) -> dict[str, str]:
    async with generation.store.snapshot() as snapshot:
        return await snapshot.digests()


def _load(portions: Portions) -> Way:
    async def way(generation: Neo4jGeneration) -> None:
        for portion in portions:
            await generation.load(portion, PUBLIC_IDS)
        await generation.finish(POSITIONS)

    return way


def _live(batches: Portions) -> Way:
    async def way(generation: Neo4jGeneration) -> None:
        for batch in batches:
            await generation.store.write(batch, POSITIONS)

    return way


def _plainly(portions: Sequence[Statements]) -> Way:
    async def way(generation: Neo4jGeneration) -> None:
        store = generation.store
        async with transaction(store.driver) as tx:
            name = await store.take_turn(tx)
        await write_plainly(store.driver, name, portions)

    return way
