"""The stores of the servers profile beside the plain clients of their servers. Needs Java or Docker, or addresses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from annals.composition.stores import Stores
from bench import graph_store, vector_store
from bench.corpus import passages
from bench.history import histories, keep
from bench.servers import Figures, running, say
from eventstore.keys import AggregateKey
from projections.changes import Change, ReadModel
from projections.states import fold
from tests.servers.neo4j import NEO4J, without_credentials
from tests.servers.opensearch import OPENSEARCH
from tests.servers.ways import Recipe, start

DOCUMENTS = 3000


async def measure(folder: Path) -> Figures:
    """Both stores, one after the other: each server has the machine for itself.

    Uses the servers at ANNALS_TEST_NEO4J and ANNALS_TEST_OPENSEARCH where they are given, under names of its own.
    Raises MissingError where the machine lacks what a server needs, FetchError, ServerError.
    """
    corpus = passages(DOCUMENTS)
    async with running(folder) as (services, _):
        await keep(services, histories(corpus))
        graph, vector = [await _portions(services, services.projections[name].model) for name in ("graph", "vector")]
    async with server(NEO4J) as address:
        uri, auth = without_credentials(address)
        neo4j = await graph_store.measure(uri, auth, graph)
    async with server(OPENSEARCH) as address:
        opensearch = await vector_store.measure(address, vector, [passage.text for passage in corpus])
    return {"documents": DOCUMENTS, "neo4j": neo4j, "opensearch": opensearch}


async def _portions(services: Stores, model: ReadModel) -> list[list[Change]]:
    """All aggregates as changes, in the portions that a replay loads."""
    portions = []
    async for aggregates in services.reader.whole.read(model.kinds, await services.reader.head()):
        keys = [AggregateKey.of(own[0]) for own in aggregates]
        sections = await model.sections([(key, fold(own)) for key, own in zip(keys, aggregates, strict=True)])
        versions = [own[-1].aggregate_version for own in aggregates]
        portions.append(
            [Change(key, 0, version, rows) for key, version, rows in zip(keys, versions, sections, strict=True)]
        )
    return portions


@contextlib.asynccontextmanager
async def server(recipe: Recipe) -> AsyncIterator[str]:
    """The address of a server that ends with the block."""
    server = await asyncio.to_thread(start, recipe, say)
    try:
        yield server.address
    finally:
        await asyncio.to_thread(server.close)
