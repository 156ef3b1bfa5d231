"""Several writers of the graph in Neo4j: side by side where they share nothing, and nothing is miscounted."""

import asyncio
import multiprocessing
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.event_types import AggregateKind
from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import Change, uniform_positions
from projections.errors import OldSchemaError
from projections.graph.model import GraphModel
from projections.graph.neo4j.connection import Neo4jDriver, alone, execute, open_driver, transaction
from projections.graph.neo4j.live import LiveNeo4jGraphStore
from projections.graph.neo4j.turns import wait_for_writers
from projections.projector import Projector
from tests.projections.contract.folding import changes, digests, follow
from tests.projections.history import History, open_history
from tests.projections.models import LiveModel
from tests.projections.stories import Story

T = TypeVar("T")
Rows = dict[str, list[tuple[Any, ...]]]
Steps = list[list[tuple[AggregateKind, str, Rows]]]


@pytest.fixture
async def live(graph_driver: Neo4jDriver) -> LiveNeo4jGraphStore:
    """The live graph, with nothing in it."""
    store = LiveNeo4jGraphStore(graph_driver)
    await store.open()
    return store


def story(number: int) -> Story:
    """All name Ada, under two names; some name each other's people."""
    ada = "Ada" if number % 3 else "ADA"
    return Story(f"d{number}", (f"{ada} met Bob{number % 5}.", f"Bob{number % 7} saw {ada}."), title="Harbour")


async def verified(live: LiveNeo4jGraphStore, history: History) -> None:
    """Everything that happened is there, and as the events say."""
    await follow(Projector(GraphModel(), live, history.reader), history)
    await live.write([], uniform_positions(GraphModel(), topics(), await history.reader.head()))
    verdict = await LiveModel(GraphModel(), live, history).verify()
    assert verdict.difference is None


@pytest.mark.parametrize("seed", [1, 2])
async def test_writers_side_by_side_count_what_one_would(
    live: LiveNeo4jGraphStore, history: History, seed: int
) -> None:
    """Documents come, change and go, each writer in an order of its own."""
    chance = random.Random(seed)
    writers = [[story(10 * writer + number) for number in range(6)] for writer in range(4)]
    projector = Projector(GraphModel(), live, history.reader)

    async def write(stories: list[Story], decide_ada: bool) -> None:
        chance.shuffle(stories)
        for one in stories:
            await projector.apply(await history.tell(one), {})
        for one in stories[:4]:
            await projector.apply(await history.delete(one), {})
        if decide_ada:
            await projector.apply(await history.rename("Ada", "Countess"), {})
        for one in stories[2:]:
            await projector.apply(await history.tell(one), {})

    async with asyncio.timeout(120):
        await asyncio.gather(*(write(stories, number == 0) for number, stories in enumerate(writers)))
    await verified(live, history)


async def test_an_entity_that_goes_and_comes_at_once_is_never_lost(live: LiveNeo4jGraphStore, history: History) -> None:
    """One writer deletes the last document that names it while another takes in one that names it too."""
    stories = [Story(f"d{number}", ("Ada met Bob.",)) for number in range(4)]
    projector = Projector(GraphModel(), live, history.reader)

    async def come_and_go(one: Story) -> None:
        for _ in range(12):
            await projector.apply(await history.tell(one), {})
            await projector.apply(await history.delete(one), {})
        await projector.apply(await history.tell(one), {})

    async with asyncio.timeout(240):
        await asyncio.gather(*map(come_and_go, stories))
    await verified(live, history)


async def test_independent_documents_do_not_wait_for_each_other(live: LiveNeo4jGraphStore, history: History) -> None:
    """Nor does a reader keep one up that waits for another to end."""
    first, second = await changes(GraphModel(), await history.tell(story(1), Story("other", ("Zoe left.",))))
    async with transaction(live.driver) as tx:
        generation = await live.share_turn(tx)
        await execute(
            tx,
            "MERGE (a:Aggregate {generation: $generation, tenant: 'default', kind: 'document', id: 'third'}) "
            "SET a.locked = true",
            generation=generation,
        )
        waiting = asyncio.create_task(wait_for_writers(live.driver, live.name))
        async with asyncio.timeout(20):
            await live.write([first], {})
            await live.write([second], {})
        assert not waiting.done()
    await waiting


async def test_who_wants_it_alone_waits_for_all_who_write(live: LiveNeo4jGraphStore) -> None:
    async with transaction(live.driver) as tx:
        await live.share_turn(tx)
        with pytest.raises(StoreUnavailableError):
            async with transaction(live.driver, 0.5) as other:
                await live.take_turn(other)
    async with transaction(live.driver) as tx:
        await live.take_turn(tx)
        with pytest.raises(StoreUnavailableError):
            async with transaction(live.driver, 0.5) as other:
                await live.share_turn(other)


async def test_a_graph_of_schema_version_1_is_replayed(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    """It has no counters and nothing to take turns on."""
    await follow(Projector(GraphModel(), live, history.reader), history)
    await history.tell(story(1), story(2), story(3))
    await follow(Projector(GraphModel(), live, history.reader), history)
    before = await digests(live)
    await alone(graph_driver, "MATCH (e:Entity) REMOVE e.names, e.name_types, e.name_times")
    await alone(graph_driver, "MATCH (t:Turn) DELETE t")
    await alone(graph_driver, "MATCH (m:ReadModel) SET m.schema_version = 1")

    old = LiveNeo4jGraphStore(graph_driver)
    with pytest.raises(OldSchemaError, match="annals replay graph"):
        await old.open()
    await LiveModel(GraphModel(), old, history).replay()
    await old.open()
    assert await digests(old) == before
    await history.delete(story(2))
    await history.tell(story(4))
    await verified(old, history)


def _follow_in_its_process(dsn: str, uri: str, auth: tuple[str, str] | None) -> None:
    """Take in a log, an event at a time and in disorder."""

    async def take_in() -> None:
        async with open_history(dsn) as history, open_driver(uri, *(auth or ())) as driver:
            events = await history.all()
            random.shuffle(events)
            projector = Projector(GraphModel(), LiveNeo4jGraphStore(driver), history.reader)
            for event in events:
                await projector.apply([event], {})

    asyncio.run(take_in())


@pytest.mark.parametrize("documents", [1, 7, 19])
async def test_a_writer_killed_in_the_midst_leaves_nothing_half_done(
    live: LiveNeo4jGraphStore,
    history: History,
    dsn: str,
    neo4j_uri: str,
    neo4j_auth: tuple[str, str] | None,
    documents: int,
) -> None:
    """Killed as soon as so many documents are there."""
    stories = [story(number) for number in range(24)]
    await history.tell(*stories)
    for one in stories[::3]:
        await history.delete(one)
        await history.tell(one)
    process = multiprocessing.get_context("spawn").Process(
        target=_follow_in_its_process, args=(dsn, neo4j_uri, neo4j_auth)
    )
    process.start()
    try:
        async with asyncio.timeout(60):
            while len(await live.versions(AggregateKey("default", "document", one.document_id) for one in stories)) < (
                documents
            ):
                assert process.is_alive()
    finally:
        process.kill()
        process.join(30)
    async with asyncio.timeout(60):
        await verified(live, history)


NAMES = ("Ada", "ADA", "\u00c4da", "\uffee", "\U0001f600")
ENTITIES = ("e1", "e2", "e3")


@st.composite
def sections(draw: st.DrawFn, document_id: str) -> Rows:
    """Some of a document's sections, each with any rows."""
    chunk, entity, name = (
        st.sampled_from([f"{document_id}-c{number}" for number in range(3)]),
        st.sampled_from(ENTITIES),
        st.sampled_from(NAMES),
    )
    kind = st.sampled_from(("PERSON", "PLACE"))
    head = (st.just("t"), st.just(document_id))
    rows = {
        "passages": st.lists(st.tuples(*head, chunk, st.integers(0, 3)), max_size=3, unique_by=lambda row: row[2]),
        "mentions": st.lists(st.tuples(*head, chunk, entity, name, kind, st.integers(1, 3)), max_size=4),
        "subjects": st.lists(st.tuples(*head, chunk, entity, name, st.sampled_from((0.25, 0.5))), max_size=3),
        "relations": st.lists(
            st.tuples(
                *head, st.sampled_from(("r1", "r2", "r3")), entity, name, st.just("met"), entity, name, chunk,
                st.just(0), st.just(9), st.just(0.5),
            ),
            max_size=3,
            unique_by=lambda row: row[2],
        ),
    }  # fmt: skip
    named = draw(st.sets(st.sampled_from(sorted(rows))))
    return {table: draw(rows[table]) for table in sorted(named)}


@st.composite
def decisions(draw: st.DrawFn) -> tuple[str, Rows]:
    """What somebody decided of an entity."""
    entity = draw(st.sampled_from(ENTITIES))
    name, kind = draw(st.none() | st.sampled_from(NAMES)), draw(st.none() | st.just("LEGEND"))
    return entity, {"decisions": [("t", entity, name, kind, None, draw(st.none() | st.booleans()))]}


STEPS = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from(("d1", "d2", "d3")).flatmap(
                lambda one: st.tuples(st.just("document"), st.just(one), sections(one))
            ),
            decisions().map(lambda one: ("entity", *one)),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda one: one[:2],
    ),
    min_size=1,
    max_size=6,
)


async def test_counters_by_difference_are_those_derived_anew(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore
) -> None:
    """Any sections of any documents, in any batches: at the end as if all had been loaded in bulk."""
    loop = asyncio.get_running_loop()

    def run(doing: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(doing, loop).result(120)

    async def compare(steps: Steps) -> None:
        await alone(graph_driver, "MATCH (n) DETACH DELETE n")
        store = LiveNeo4jGraphStore(graph_driver)
        await store.open()
        final: dict[AggregateKey, Change] = {}
        for step in steps:
            batch = []
            for kind, own, rows in step:
                key = AggregateKey("t", kind, own)
                before = final.get(key, Change(key, 0, 0, {}))
                batch.append(Change(key, before.version, before.version + 1, rows))
                final[key] = Change(key, 0, before.version + 1, {**before.sections, **rows})
            await store.write(batch, {})
        generation = store.generation("next")
        await generation.begin()
        await generation.load(list(final.values()), PUBLIC_IDS)
        await generation.finish({})
        assert await digests(store) == await digests(generation.store)

    @settings(max_examples=60)
    @given(STEPS)
    def holds(steps: Steps) -> None:
        run(compare(steps))

    await asyncio.to_thread(holds)
