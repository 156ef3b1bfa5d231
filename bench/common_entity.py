"""100,000 documents that all name the same entity: is the last one as quick to write as the first?"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.servers import Figures, Stopwatch, running
from contracts import ids
from contracts.documents import Chunk, Mention
from eventstore.keys import AggregateKey
from projections.changes import Change, ReadModel
from projections.document_state import DocumentState
from projections.graph.model import GraphModel
from projections.graph.neo4j.connection import open_driver
from projections.graph.neo4j.live import LiveNeo4jGraphStore
from projections.store import Store

DOCUMENTS = 100_000
WARM_UP = 2_000
BATCH = 100
REQUIRED = 1.3
TENANT = "default"
COMMON = "London"


async def measure(folder: Path) -> Figures:
    """Seconds of the last tenth by seconds of the first, of each read model in PostgreSQL that derives entities."""
    found: dict[str, dict[str, float]] = {}
    async with running(folder) as (services, _):
        for name in ("relational", "graph"):
            projection = services.projections[name]
            found[name] = await _measured(projection.model, projection.store, DOCUMENTS)
    return _figures(found)


async def measure_neo4j(_: Path) -> Figures:
    """The same of the graph in Neo4j, at ANNALS_TEST_NEO4J where that is given. Raises MissingError, ServerError."""
    # It needs what only the tests need.
    from bench.stores import server
    from tests.servers.neo4j import NEO4J, without_credentials

    async with server(NEO4J) as address:
        uri, auth = without_credentials(address)
        async with open_driver(uri, *(auth or ())) as driver:
            generation = LiveNeo4jGraphStore(driver, "bench").generation("round")
            try:
                # The server compiles what it runs often; the documents before the clock starts are no part of the rest.
                await generation.begin()
                await _measured(GraphModel(), generation.store, WARM_UP)
                await generation.begin()
                found = await _measured(GraphModel(), generation.store, DOCUMENTS)
            finally:
                await generation.discard()
    return _figures({"graph": found})


def _figures(found: Mapping[str, Mapping[str, float]]) -> Figures:
    ratio = max(one["ratio"] for one in found.values())
    return {
        "of": f"writing {DOCUMENTS} documents that all name {COMMON}: seconds of the last tenth by those of the first",
        "ratio": ratio,
        "required_at_most": REQUIRED,
        "reached": ratio <= REQUIRED,
        "of_each": found,
    }


async def _measured(model: ReadModel, store: Store, documents: int) -> dict[str, float]:
    tenths: list[float] = []
    batches = documents // BATCH
    for tenth in range(10):
        seconds = 0.0
        for batch in range(tenth * batches // 10, (tenth + 1) * batches // 10):
            changes = [await _change(model, number) for number in range(batch * BATCH, (batch + 1) * BATCH)]
            watch = Stopwatch()
            await store.write(changes, {})
            seconds += watch.seconds
        tenths.append(seconds)
    return {
        "ratio": round(tenths[-1] / tenths[0], 3),
        "documents_per_s": round(documents / sum(tenths)),
        "first_tenth_s": round(tenths[0], 1),
        "last_tenth_s": round(tenths[-1], 1),
    }


async def _change(model: ReadModel, number: int) -> Change:
    key = AggregateKey(TENANT, "document", f"d{number}")
    (sections,) = await model.sections([(key, _state(key.aggregate_id))])
    return Change(key, 0, 3, sections)


def _state(document_id: str) -> DocumentState:
    """A document of one chunk that names the common entity and one of its own."""
    digest = "a" * 64
    chunk_id = ids.chunk_id(TENANT, document_id, digest, 0)
    chunk = Chunk(chunk_id=chunk_id, index=0, start=0, end=40, tokens=8, digest=digest, input_digest=digest)
    return DocumentState(chunks=(chunk,), mentions=tuple(_mentions(chunk_id, document_id)), aliases=(), relations=())


def _mentions(chunk_id: str, document_id: str) -> Iterator[Mention]:
    for start, name, kind in ((0, COMMON, "GPE"), (20, f"Person {document_id}", "PERSON")):
        yield Mention(
            entity_id=ids.entity_id(TENANT, name),
            name=name,
            type=kind,
            chunk_id=chunk_id,
            start=start,
            end=start + len(name),
            confidence=1.0,
        )
