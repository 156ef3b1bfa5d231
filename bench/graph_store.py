"""Writing the graph into Neo4j, beside the same nodes and edges by the plain driver."""

import statistics
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bench.plain_graph import Statements, entities_of, plain_statements, write_plainly
from bench.servers import Figures, Stopwatch
from projections.changes import Change
from projections.graph.neo4j.connection import open_driver, transaction
from projections.graph.neo4j.generation import Neo4jGeneration
from projections.graph.neo4j.store import Neo4jGraphStore

NAME = "bench"
ROUNDS = 3
LIVE = 100
REQUIRED = 0.7
REACHED = {("documents", 0): 1}

Portions = Sequence[Sequence[Change]]
Way = Callable[[Neo4jGeneration], Coroutine[Any, Any, None]]
"""One way to fill a generation that is empty."""


async def measure(uri: str, auth: tuple[str, str] | None, portions: Portions) -> Figures:
    """Rows a second of a bulk load and of live writes, each beside plain CREATEs in transactions of the same size.

    Raises StoreUnavailable.
    """
    batches = [portion[start : start + LIVE] for portion in portions for start in range(0, len(portion), LIVE)]
    async with open_driver(uri, *(auth or ())) as driver:
        generation = Neo4jGraphStore(driver, NAME).generation("round")
        try:
            await generation.begin()
            await _load(portions)(generation)
            entities = await entities_of(generation.store)
            ways = {
                "loaded": _load(portions),
                "loaded_plainly": _plainly(plain_statements(portions, entities)),
                "live": _live(batches),
                "live_plainly": _plainly(plain_statements(batches, entities)),
            }
            # All of them once, to get the server warm, and to see that all of them write the same.
            digests = []
            for way in ways.values():
                await _seconds(generation, way)
                async with generation.store.frozen() as frozen:
                    digests.append(await frozen.digests())
            assert all(one == digests[0] for one in digests), digests
            taken: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, way in ways.items():
                    taken[name].append(await _seconds(generation, way))
        finally:
            await generation.discard()
    seconds = {name: statistics.median(each) for name, each in taken.items()}
    # Every row is a node or an edge; so is every entity and every version.
    rows = sum(int(digest.partition(":")[0]) for digest in digests[0].values())
    ratio = round(seconds["loaded_plainly"] / seconds["loaded"], 3)
    return {
        "of": "nodes and edges a second of a bulk load, beside plain CREATEs in like transactions (medians)",
        "ratio": ratio,
        "required": REQUIRED,
        "reached": ratio >= REQUIRED,
        "ratio_of_live_writes": round(seconds["live_plainly"] / seconds["live"], 3),
        "nodes_and_edges": rows,
        "per_s": {name: round(rows / each) for name, each in seconds.items()},
    }


async def _seconds(generation: Neo4jGeneration, way: Way) -> float:
    """What was there before is dropped first."""
    await generation.begin()
    watch = Stopwatch()
    await way(generation)
    return watch.seconds


def _load(portions: Portions) -> Way:
    async def way(generation: Neo4jGeneration) -> None:
        for portion in portions:
            await generation.load(portion)
        await generation.finish(REACHED)

    return way


def _live(batches: Portions) -> Way:
    async def way(generation: Neo4jGeneration) -> None:
        for batch in batches:
            await generation.store.write(batch, REACHED)

    return way


def _plainly(portions: Sequence[Statements]) -> Way:
    async def way(generation: Neo4jGeneration) -> None:
        store = generation.store
        async with transaction(store.driver) as tx:
            name = await store.take_turn(tx)
        await write_plainly(store.driver, name, portions)

    return way
