"""The vector read model in OpenSearch keeps what every store must keep, and survives a crash between any two steps."""

import pytest
from opensearchpy import AsyncOpenSearch

from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from projections.changes import Change, ReadModel
from projections.errors import OldSchemaError, ReadModelReplacedError, StaleVersionError
from projections.store import LiveStore
from projections.vector.model import VectorModel
from projections.vector.opensearch.client import WriteBlockedError
from projections.vector.opensearch.index import template
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from projections.vector.opensearch.switch import LIMIT_S, block, swap
from projections.vector.opensearch.write import Write
from tests.projections.contract.folding import change, digests
from tests.projections.contract.generation import GenerationContract
from tests.projections.contract.store import StoreContract
from tests.projections.contract.switching import switch
from tests.projections.history import History, keys_of
from tests.projections.stories import Story

PARTITION = ("documents", 0)
OLD = Story("harbour", ("Ada met Zebedee.", "Bob saw a whale.", "Ada met Bob."), title="Harbour")
NEW = Story("harbour", ("Bob saw a whale.", "Nobody came."), title="Harbour")
STEPS = ("begin", "put", "drop", "commit", "finish")


@pytest.fixture
def model(history: History) -> ReadModel:
    return VectorModel(history.texts, history.outputs)


@pytest.fixture
def client(store: LiveOpenSearchVectorStore) -> AsyncOpenSearch:
    """Of the real server."""
    return store.client


class TestVector(StoreContract, GenerationContract):
    @pytest.fixture
    def model(self, history: History) -> ReadModel:
        return VectorModel(history.texts, history.outputs)

    @pytest.fixture
    async def store(self, store: LiveOpenSearchVectorStore) -> LiveStore:
        return store


async def _versions(model: ReadModel, history: History) -> list[Change]:
    """From nothing to the old content, from there to the new one, from there to the deletion."""
    events = await history.tell(OLD)
    first = await change(model, events)
    events += await history.tell(NEW)
    second = await change(model, events, previous=first.version)
    events += await history.delete(NEW)
    return [first, second, await change(model, events, previous=second.version)]


async def _steps(store: LiveOpenSearchVectorStore, one: Change, names: tuple[str, ...]) -> Write:
    """A writer that does these steps of one write, and no more."""
    index = await store.current()
    await store.make_room(index, [one])
    write = Write(store.client, index, [one], {PARTITION: one.version})
    for name in names:
        await getattr(write, name)()
    return write


@pytest.mark.parametrize("done", range(1, len(STEPS)))
@pytest.mark.parametrize("leap", [False, True], ids=["same-events", "more-events"])
async def test_a_crash_between_two_steps_is_repaired_when_the_events_come_again(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History, done: int, leap: bool
) -> None:
    """With the same events, or with the next ones beside them in the same batch."""
    first, second, third = await _versions(model, history)
    await store.write([first], {})
    wanted = third if leap else second
    await _steps(store, second, STEPS[:done])

    await store.open()
    known = (await store.versions([first.key]))[first.key]
    if known < wanted.version:
        await store.write([Change(wanted.key, known, wanted.version, wanted.sections)], {PARTITION: wanted.version})
    else:
        await store.write([], {PARTITION: wanted.version})

    recovered = await digests(store)
    assert await store.positions() == {PARTITION: wanted.version}
    generation = store.generation("whole")
    await generation.begin()
    await generation.load([wanted], PUBLIC_IDS)
    await generation.finish({})
    assert await digests(generation.store) == recovered


@pytest.mark.parametrize("pause", range(1, len(STEPS)))
@pytest.mark.parametrize("overtaking", [1, 2], ids=["newer-content", "deletion"])
async def test_a_writer_that_was_overtaken_changes_nothing(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History, pause: int, overtaking: int
) -> None:
    """Paused after any of its steps, while another writes newer versions; then it goes on."""
    changes = await _versions(model, history)
    paused = await _steps(store, changes[0], STEPS[:pause])
    newest = changes[overtaking]
    known = (await store.versions([newest.key])).get(newest.key, 0)
    await store.write([Change(newest.key, known, newest.version, newest.sections)], {PARTITION: newest.version})
    before, name = await _seen(store), await store.content_tag("default")

    if pause <= STEPS.index("commit"):
        with pytest.raises(StaleVersionError):
            for step in STEPS[pause:]:
                await getattr(paused, step)()
    else:
        for step in STEPS[pause:]:
            await getattr(paused, step)()

    assert await _seen(store) == before
    assert await store.versions([newest.key]) == {newest.key: newest.version}
    assert await store.positions() == {PARTITION: newest.version}
    # Readers that kept what they saw meanwhile learn that it may have been wrong.
    assert (await store.content_tag("default") != name) == (pause == 1)


async def test_what_an_overtaken_and_dead_writer_left_is_deleted(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History
) -> None:
    """The passages of a deleted document came back; opening the store, as its next process does, drops them."""
    first, _, third = await _versions(model, history)
    paused = await _steps(store, first, ("begin",))
    await store.write([Change(third.key, 0, third.version, third.sections)], {})
    before, name = await _seen(store), await store.content_tag("default")
    await paused.put()
    await store.client.indices.refresh(index=store.alias)
    assert len(await _seen(store)) == len(before) + len(OLD.sentences)

    await store.open()

    assert await _seen(store) == before
    assert await store.content_tag("default") != name


async def test_nothing_of_a_write_is_seen_before_all_of_it(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History
) -> None:
    first, second, _ = await _versions(model, history)
    await store.write([first], {})
    before = await _seen(store)
    write = await _steps(store, second, STEPS[:-1])
    assert await _seen(store) == before
    await write.finish()
    assert await _seen(store) != before


async def test_a_late_write_does_not_make_a_dropped_generation_anew(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History
) -> None:
    first, *_ = await _versions(model, history)
    late = await _steps(store, first, ("begin",))
    generation = store.generation("next")
    await generation.begin()
    await generation.finish({})
    live = await store.live()
    assert live is not None and live.id is not None
    await switch(generation, history.pool)
    await store.generation(live.id).discard()

    with pytest.raises(ReadModelReplacedError):
        await late.put()
    assert list(await store.client.indices.get(index=f"{store.name}-*")) == [await store.index()]
    await store.write([first], {})
    assert await store.versions([first.key]) == {first.key: first.version}


async def test_nobody_writes_during_a_switch(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History
) -> None:
    first, *_ = await _versions(model, history)
    generation = store.generation("next")
    await generation.begin()
    await generation.finish({})

    async def catch_up() -> None:
        with pytest.raises(StoreUnavailableError):
            await store.write([first], {})
        await generation.store.write([first], {})

    await switch(generation, history.pool, catch_up)
    assert await store.versions(keys_of(await history.of_document(OLD))) == {first.key: first.version}


async def test_a_switch_that_died_is_undone_and_cannot_come_back(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer that meets its block long after takes the next generation away, so a late switch fails as a whole."""
    first, *_ = await _versions(model, history)
    generation = store.generation("next")
    await generation.begin()
    await generation.finish({})
    live = await store.current()
    monkeypatch.setattr("projections.vector.opensearch.switch.LIMIT_S", -LIMIT_S)

    async def die() -> None:
        """Everybody thinks so, but it only takes long."""
        with pytest.raises(WriteBlockedError):
            await store.write([first], {})
        await store.write([first], {})

    with pytest.raises(ReadModelReplacedError):
        await switch(generation, history.pool, die)
    assert await store.index() == live
    assert await store.versions([first.key]) == {first.key: first.version}


async def test_a_block_is_kept_while_the_switch_is_young(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History
) -> None:
    first, *_ = await _versions(model, history)
    await block(store.client, await store.current(), "nothing")
    for _ in range(2):
        with pytest.raises(WriteBlockedError):
            await store.write([first], {})


async def test_a_generation_that_is_not_there_is_not_empty(store: LiveOpenSearchVectorStore) -> None:
    missing = store.generation("missing").store
    for call in (
        lambda: missing.versions([AggregateKey("default", "document", "harbour")]),
        lambda: missing.positions(),
        lambda: missing.content_tag("default"),
        lambda: missing.write([], {PARTITION: 1}),
    ):
        with pytest.raises(ReadModelReplacedError):
            await call()


async def test_a_switch_whose_answer_was_lost_is_a_switch(
    store: LiveOpenSearchVectorStore, model: ReadModel, history: History
) -> None:
    """The one who switched takes it for failed and discards: what is live now stays, and may be written."""
    first, *_ = await _versions(model, history)
    generation = store.generation("next")
    await generation.begin()
    await generation.finish({})
    live, successor = await store.current(), await generation.store.current()

    async def switched_already() -> None:
        await swap(store.client, live, successor, store.alias, generation.store.alias, f"{store.name}-former")

    with pytest.raises(ReadModelReplacedError):
        await switch(generation, history.pool, switched_already)
    await generation.discard()
    assert await store.index() == successor
    await store.write([first], {})
    assert await store.versions([first.key]) == {first.key: first.version}


async def test_an_index_of_another_schema_version_is_not_written(store: LiveOpenSearchVectorStore) -> None:
    other = LiveOpenSearchVectorStore(store.client, f"{store.name}-other")
    body = template(store.name)["template"]
    body["mappings"]["_meta"]["schema_version"] += 1
    await store.client.indices.create(index=f"{other.name}-first", body=body | {"aliases": {other.alias: {}}})
    with pytest.raises(OldSchemaError, match="annals replay vector"):
        await other.open()


async def _seen(store: LiveOpenSearchVectorStore) -> list[str]:
    """Every passage and version that a search finds."""
    found = await store.client.search(
        index=store.alias, body={"query": {"terms": {"what": ["passage", "version"]}}, "size": 100}
    )
    return sorted(f"{hit['_id']} {hit['_source']}" for hit in found["hits"]["hits"])
