"""The graph in Neo4j keeps what every store must keep, and answers as every graph must."""

import asyncio

import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError, UnknownMigrationError
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import Change, ReadModel, uniform_positions
from projections.errors import OldSchemaError, ReadModelReplacedError, StaleVersionError, SwitchDeferredError
from projections.graph.model import LAYOUT, GraphModel
from projections.graph.neo4j import generation as generations
from projections.graph.neo4j.connection import Neo4jDriver, alone, execute, fetch, open_driver, transaction
from projections.graph.neo4j.live import LiveNeo4jGraphStore
from projections.graph.neo4j.migrations import MIGRATIONS, migrate
from projections.graph.neo4j.reader import Neo4jGraph
from projections.graph.neo4j.snapshot import Neo4jSnapshot
from projections.graph.neo4j.store import Neo4jGraphStore
from projections.graph.postgres import PostgresGraph
from projections.graph.reads import Entity, GraphReader, Node
from projections.postgres.live import LivePostgresStore
from projections.projector import Projector
from projections.store import LiveStore
from tests.projections.contract.folding import change, changes, digests, follow, rows
from tests.projections.contract.generation import GenerationContract
from tests.projections.contract.graph import GraphReaderContract
from tests.projections.contract.store import StoreContract
from tests.projections.contract.switching import switch
from tests.projections.history import History
from tests.projections.models import LiveModel
from tests.projections.stories import Story
from tests.servers.handles import Server

STORY = Story("harbour", ("Ada met Bob.", "Bob saw a whale.", "Bob met Bob."), title="Harbour")
OTHER = Story("market", ("Cleo met Ada.",), title="Market")


@pytest.fixture
async def live(graph_driver: Neo4jDriver) -> LiveNeo4jGraphStore:
    """The live graph, with nothing in it."""
    store = LiveNeo4jGraphStore(graph_driver)
    await store.open()
    return store


async def _count(graph_driver: Neo4jDriver, pattern: str) -> int:
    return int((await alone(graph_driver, f"MATCH {pattern} RETURN count(*) AS n"))[0]["n"])


class TestStore(StoreContract, GenerationContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return GraphModel()

    @pytest.fixture
    async def store(self, history: History, model: ReadModel, live: LiveNeo4jGraphStore) -> LiveStore:
        return live

    async def test_a_snapshot_does_not_move(self, model: ReadModel, store: LiveStore, history: History) -> None:
        """There is no snapshot to read: who was overtaken by a writer is told so, and the writer waits for nobody."""
        await store.write(await changes(model, await history.tell(STORY)), {})
        before = await digests(store)
        late = await changes(model, await history.tell(OTHER))
        with pytest.raises(ReadModelReplacedError, match="was written while it was read"):
            async with store.snapshot() as snapshot:
                assert await snapshot.digests() == before
                async with asyncio.timeout(20):
                    await store.write(late, {})
        assert await digests(store) != before


class TestReader(GraphReaderContract):
    @pytest.fixture
    async def projector(self, history: History, live: LiveNeo4jGraphStore) -> Projector:
        return Projector(GraphModel(), live, history.reader)

    @pytest.fixture
    def graph(self, history: History, graph_driver: Neo4jDriver) -> GraphReader:
        return Neo4jGraph(graph_driver)


async def test_postgresql_and_neo4j_answer_the_same(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    """After corrections, merges and a deletion, for every node that one of them knows."""
    await history.tell(STORY, OTHER, Story("inn", ("Dora knew Cleo.", "Cleo met Zebedee."), title="Inn"))
    await history.merge_chunks(STORY, 0, 1)
    await history.rename("Ada", "Countess")
    await history.merge("Cleo", "Bob")
    await history.merge("Bob", "Robert")
    await history.judge("Zebedee", valid=False)
    await history.amend_relation(OTHER, OTHER.related.relations[0].relation_id, "greeted")
    await history.tell(Story("inn", ("Dora left Cleo.",), title="Inn"))
    gone = Story("gone", ("Ada met Xerxes.",), title="Gone")
    await history.tell(gone)
    await history.delete(gone)
    relational = LivePostgresStore(history.pool, LAYOUT)
    await relational.open()
    for store in (relational, live):
        await follow(Projector(GraphModel(), store, history.reader), history)
    one, other = PostgresGraph(history.pool), Neo4jGraph(graph_driver)

    mine, theirs = await one.snapshot("default"), await other.snapshot("default")
    assert mine.subjects and mine.mentions and mine.statements
    assert sorted(mine.subjects) == sorted(theirs.subjects)
    assert sorted(mine.mentions) == sorted(theirs.mentions)
    assert sorted(mine.statements) == sorted(theirs.statements)

    names = ["Ada", "Bob", "Cleo", "Dora", "Robert", "Zebedee", "Xerxes", "Harbour", "Market", "Inn", "Gone"]
    assert await one.find("default", names) == await other.find("default", names) != []

    nodes = [Node("passage", mention.chunk_id) for mention in mine.mentions]
    nodes += [Node("entity", subject.entity_id) for subject in mine.subjects]
    nodes += [Node("entity", end) for said in mine.statements for end in (said.subject_id, said.object_id)]
    for node in nodes:
        edges = await one.neighbours("default", node)
        assert set(edges) == set(await other.neighbours("default", node)) != set()
        assert await one.k_hops("default", [node], 3) == await other.k_hops("default", [node], 3)
        ways = await one.paths("default", nodes[0], node)
        assert {tuple(way) for way in ways} == {tuple(way) for way in await other.paths("default", nodes[0], node)}


async def test_a_replay_leaves_one_generation_that_is_what_the_events_say(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    model = GraphModel()
    await history.tell(STORY, OTHER)
    await follow(Projector(model, live, history.reader), history)
    before = await digests(live)

    await LiveModel(model, live, history).replay()

    assert await digests(live) == before
    assert await live.positions() == uniform_positions(model, topics(), await history.reader.head())
    assert await _count(graph_driver, "(m:ReadModel)") == 1
    assert await _count(graph_driver, "(n) WHERE n.generation IS NOT NULL AND NOT n:ReadModel") == await _count(
        graph_driver, "(m:ReadModel) MATCH (n {generation: m.generation}) WHERE NOT n:ReadModel"
    )


async def test_verify_names_what_is_not_as_the_events_say(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    """Edges between passages are looked at as well, though no table holds them."""
    model = GraphModel()
    await history.tell(STORY, OTHER)
    await follow(Projector(model, live, history.reader), history)
    await live.write([], uniform_positions(model, topics(), await history.reader.head()))
    verdict = await LiveModel(model, live, history).verify()
    assert verdict.difference is None and verdict.rows > 0

    await alone(graph_driver, "MATCH ()-[n:NEXT]->() WITH n LIMIT 1 DELETE n")
    verdict = await LiveModel(model, live, history).verify()
    assert verdict.difference is not None and "graph.passages" in verdict.difference
    assert await _count(graph_driver, "(m:ReadModel)") == 1


async def test_of_many_writers_of_one_aggregate_one_wins(live: LiveNeo4jGraphStore, history: History) -> None:
    one = await change(GraphModel(), await history.tell(STORY))
    results = await asyncio.gather(*(live.write([one], {}) for _ in range(6)), return_exceptions=True)
    assert results.count(None) == 1
    assert sum(isinstance(result, StaleVersionError) for result in results) == 5


async def test_what_is_of_a_reading_that_another_took_over_from_is_stale(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore
) -> None:
    """Also where it says nothing: the other one may."""
    shown, asked = "second", list[str]()

    async def reading_of(generation: str) -> str:
        asked.append(generation)
        return shown

    store = Neo4jGraphStore(graph_driver, model_of=reading_of)
    key = AggregateKey("default", "document", "market")
    with pytest.raises(StaleVersionError, match="another reading"):
        await store.write([Change(key, 0, 1, {}, "first")], {})
    assert await store.versions([key]) == {}
    await store.write([Change(key, 0, 1, {}, shown)], {})
    assert await store.versions([key]) == {key: 1} and len(set(asked)) == 1


async def test_writers_at_once_miss_none_of_each_others_mentions(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    """All documents name Ada: every one of them counts, whichever came last."""
    stories = [Story(f"story-{number}", ("Ada met Bob.",)) for number in range(8)]
    changed = await changes(GraphModel(), await history.tell(*stories))
    await asyncio.gather(*(live.write([one], {}) for one in changed))
    (ada,) = await Neo4jGraph(graph_driver).find("default", ["Ada"])
    assert ada.passages == 8


async def test_equal_counts_are_decided_by_the_bytes_of_the_name(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore
) -> None:
    """U+FFEE comes before U+1F600 in UTF-8, and behind it in UTF-16. A bulk load decides the same."""
    mentions = [("t", "d", f"c{number}", "e", name, "T", 1) for number, name in enumerate(("\U0001f600", "\uffee"))]
    one = Change(AggregateKey("t", "document", "d"), 0, 1, {"mentions": mentions})
    await live.write([one], {})
    assert await Neo4jGraph(graph_driver).entities("t", ["e"]) == [Entity("e", "\uffee", "T", 2)]

    generation = live.generation("next")
    await generation.begin()
    await generation.load([one], PUBLIC_IDS)
    await generation.finish({})
    assert await digests(generation.store) == await digests(live)
    await generation.discard()


async def test_a_mention_outlives_its_passage_until_it_is_replaced(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore
) -> None:
    """New chunks leave the mentions of the old ones alone; then nothing of the old ones stays behind."""
    key = AggregateKey("t", "document", "d")
    mention = ("t", "d", "c1", "e", "Ada", "PERSON", 1)
    await live.write([Change(key, 0, 1, {"passages": [("t", "d", "c1", 0)], "mentions": [mention]})], {})
    await live.write([Change(key, 1, 2, {"passages": [("t", "d", "c2", 0)]})], {})
    assert [one.chunk_id for one in (await Neo4jGraph(graph_driver).snapshot("t")).mentions] == ["c1"]
    assert sum('"c1"' in row for row in await rows(live)) == 1

    await live.write([Change(key, 2, 3, {"mentions": [], "subjects": []})], {})
    assert await _count(graph_driver, "(p:Passage)") == 1
    assert await _count(graph_driver, "(e:Entity)") == 0


async def test_migrations_are_applied_once_whoever_starts_first(graph_driver: Neo4jDriver) -> None:
    done = await asyncio.gather(*(migrate(graph_driver) for _ in range(4)))
    assert sorted(done) == [[], [], [], ["0001_graph", "0002_turns", "0003_lookup", "0004_documents", "0005_decisions"]]
    assert await migrate(graph_driver) == []


async def test_a_newer_database_is_left_alone(graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore) -> None:
    number = len(MIGRATIONS) + 1
    await alone(graph_driver, "CREATE (:AnnalsMigration {number: $number, name: 'tomorrow'})", number=number)
    with pytest.raises(UnknownMigrationError, match="tomorrow"):
        await live.open()


async def test_a_graph_of_another_schema_version_is_not_written(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore
) -> None:
    await alone(graph_driver, "MATCH (m:ReadModel) SET m.schema_version = m.schema_version + 1")
    with pytest.raises(OldSchemaError, match="annals replay graph"):
        await live.open()


async def test_nobody_at_the_address() -> None:
    async with open_driver("bolt://127.0.0.1:9") as driver:
        with pytest.raises(StoreUnavailableError):
            await LiveNeo4jGraphStore(driver).open()


async def test_a_wrong_password(neo4j_uri: str, neo4j_auth: tuple[str, str] | None) -> None:
    if neo4j_auth is None:
        pytest.skip("the server at the given address asks for no password")
    async with open_driver(neo4j_uri, "nobody", "wrong") as driver:
        with pytest.raises(StoreUnavailableError, match="nauthorized"):
            await LiveNeo4jGraphStore(driver).versions([])


async def test_a_transaction_that_waits_too_long_says_so(graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore) -> None:
    async with transaction(graph_driver) as first:
        await live.take_turn(first)
        with pytest.raises(StoreUnavailableError):
            async with transaction(graph_driver, 0.5) as tx:
                await live.take_turn(tx)


async def test_readers_of_all_of_it_hold_nobody_up(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    """One of them may be a process that is stopped: writers, questions and the next replay go on."""
    projector = Projector(GraphModel(), live, history.reader)
    await projector.apply(await history.tell(STORY), {})
    async with transaction(graph_driver, 60) as tx:
        generation = (await fetch(tx, "MATCH (m:ReadModel {name: 'graph'}) RETURN m.generation AS g"))[0]["g"]
        assert (await Neo4jSnapshot(tx, generation).digests())["passages"] != ""
        async with asyncio.timeout(30):
            await projector.apply(await history.tell(OTHER), {})
            assert (await Neo4jGraph(graph_driver).snapshot("default")).mentions
            await LiveModel(GraphModel(), live, history).replay()
    assert (await LiveModel(GraphModel(), live, history).verify()).difference is None


async def test_a_snapshot_is_had_beside_writers_that_never_pause(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History
) -> None:
    """Each that is had is whole: a document has all of its mentions or none."""
    projector = Projector(GraphModel(), live, history.reader)
    done = asyncio.Event()

    async def write() -> None:
        while not done.is_set():
            await projector.apply(await history.tell(STORY, OTHER), {})
            await projector.apply(await history.delete(STORY) + await history.delete(OTHER), {})

    await projector.apply(await history.tell(STORY, OTHER), {})
    whole = len((await Neo4jGraph(graph_driver).snapshot("default")).mentions)
    async with asyncio.TaskGroup() as group, asyncio.timeout(120):
        group.create_task(write())
        seen = {len((await Neo4jGraph(graph_driver).snapshot("default")).mentions) for _ in range(20)}
        done.set()
    assert seen <= {0, whole}


async def test_what_is_written_while_it_is_verified_is_compared_as_well(
    live: LiveNeo4jGraphStore, history: History
) -> None:
    """The build follows the live one to where that is when it is compared."""
    projector = Projector(GraphModel(), live, history.reader)
    await projector.apply(await history.tell(STORY), {})
    late: list[asyncio.Task[None]] = []

    async def happen() -> None:
        await projector.apply(await history.tell(OTHER), {})

    def report(_: int) -> None:
        late.append(asyncio.create_task(happen()))

    assert (await LiveModel(GraphModel(), live, history).verify(report)).difference is None
    await asyncio.gather(*late)
    assert late


async def test_a_switch_that_gets_no_turn_is_deferred(
    graph_driver: Neo4jDriver, live: LiveNeo4jGraphStore, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "SWITCH_LIMIT_S", 1.0)
    made = live.generation("next")
    await made.begin()
    await made.finish({})

    async with transaction(graph_driver) as tx:
        await live.take_turn(tx)
        with pytest.raises(SwitchDeferredError, match="gave no turn"):
            await switch(made, history.pool)
    await switch(made, history.pool)


async def test_a_mistake_of_ours_is_not_called_an_outage(graph_driver: Neo4jDriver) -> None:
    with pytest.raises(Exception, match="Invalid input") as caught:
        async with transaction(graph_driver) as tx:
            await execute(tx, "no cypher")
    assert not isinstance(caught.value, StoreUnavailableError)


async def test_a_killed_server_is_away_and_comes_back_with_all_that_was_written(
    neo4j_server: Server, live: LiveNeo4jGraphStore, history: History
) -> None:
    await live.write(await changes(GraphModel(), await history.tell(STORY)), {})
    before = await rows(live)
    late = await changes(GraphModel(), await history.tell(OTHER))
    neo4j_server.kill()
    with pytest.raises(StoreUnavailableError):
        await live.write(late, {})
    with pytest.raises(StoreUnavailableError):
        await live.versions([])
    neo4j_server.start()
    assert await rows(live) == before
    await live.write(late, {})
    assert await rows(live) != before
