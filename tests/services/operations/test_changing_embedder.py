"""Another embedder takes over while documents come in and questions are asked."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregates.cause import RefusedError
from annals.composition.embedders import LiveEmbedders, serving_embedders, which_embedder
from contracts.system import ModelUpdated
from inference.embedders import EmbedderName
from inference.model import InferenceError
from services.operations.changing_embedder import ChangedEmbedder
from tests.support.embedders import (
    CALLER,
    QUESTION,
    Embedders,
    World,
    begin,
    make_embedders,
    opened,
    read_throughout,
    soon,
)


@pytest.fixture(scope="module")
def embedders(tmp_path_factory: pytest.TempPathFactory) -> Embedders:
    return make_embedders(tmp_path_factory.mktemp("embedders"))


@pytest.fixture
async def world(dsn: str, tmp_path: Path, embedders: Embedders) -> AsyncIterator[World]:
    async with opened(dsn, tmp_path, embedders) as one:
        await begin(one, embedders)
        yield one


async def test_it_takes_over_with_its_vectors_for_every_process_at_once_and_goes_back(
    world: World, embedders: Embedders, dsn: str, tmp_path: Path
) -> None:
    await world.tell(*map(embedders.story, range(5)))
    assert await world.serving() == embedders.revisions[0]
    async with opened(dsn, tmp_path, embedders) as other:
        before = await other.nearest()
        changed = await world.to(embedders.names[1], reason="it knows more words")
        assert changed == ChangedEmbedder(embedders.revisions[1], embedders.revisions[0], 10, changed=True)
        for one in (world, other):
            assert await one.serving() == embedders.revisions[1]
            found = await one.nearest()
            assert {hit.chunk_id for hit in found} == {hit.chunk_id for hit in before}
            assert found != before
            assert (await one.ask.ask(CALLER, QUESTION, 5, soon())).answer.sources
        assert await world.stores.read.passages.models() == {embedders.revisions[1]: 10}

        # What the worker that did not hear of it yet embedded with the first one has a vector of the second.
        await world.tell(embedders.story(7))
        assert await world.stores.read.passages.models() == {embedders.revisions[1]: 12}
        assert await world.same() == [None, None, None]

        assert not (await world.to(embedders.names[1])).changed
        await world.rebuilding.back(CALLER, [], deadline=soon())
        assert await other.serving() == embedders.revisions[0]
        assert await world.stores.read.passages.models() == {embedders.revisions[0]: 12}
        assert await other.nearest() and await world.same() == [None, None, None]
    events = await world.stores.reader.of_aggregate("default", "model", "embedding")
    updates = [event.event_data for event in events if isinstance(event.event_data, ModelUpdated)]
    assert [(one.previous, one.revision, one.reason) for one in updates] == [
        (*embedders.revisions, "it knows more words"),
        (*reversed(embedders.revisions), "back to what was live before"),
    ]
    assert events[-1].metadata.actor == "ada"


async def test_a_change_that_is_broken_off_leaves_the_first_one_and_goes_on_where_it_stood(
    world: World, embedders: Embedders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.replay.BATCH", 2)
    await world.tell(*map(embedders.story, range(9)))

    def killed(done: int) -> None:
        if done >= 6:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await world.to(embedders.names[1], killed)
    assert await world.serving() == embedders.revisions[0]
    assert await world.nearest()
    coming = await which_embedder(world.stores).coming()
    assert coming == embedders.names[1]
    await world.tell(embedders.story(20))

    reported: list[int] = []
    assert (await world.to(embedders.names[1], reported.append)).passages == 20
    assert reported[0] > 0, "what was done is done"
    assert await world.serving() == embedders.revisions[1]
    assert await world.stores.read.passages.models() == {embedders.revisions[1]: 20}
    assert await world.same() == [None, None, None]


async def test_as_of_a_moment_is_asked_with_the_embedder_of_that_moment(world: World, embedders: Embedders) -> None:
    serving = serving_embedders(world.stores)
    await world.tell(*map(embedders.story, range(2)))
    before = await world.stores.reader.head()
    await world.to(embedders.names[1])
    assert await serving.at(before) == embedders.revisions[0]
    assert await serving.at(await world.stores.reader.head()) == embedders.revisions[1]


async def test_what_cannot_be_had_or_stored_is_refused_in_one_line(
    world: World, embedders: Embedders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.tell(embedders.story(0))
    (tmp_path / "nothing").mkdir()
    for name in (str(tmp_path / "nothing"), "nobody/has-such-a-model"):
        with pytest.raises(InferenceError) as refused:
            await world.to(EmbedderName(name))
        assert "\n" not in str(refused.value)
    monkeypatch.setattr(type(world.stores.read.passages), "most_dimensions", 15)
    with pytest.raises(RefusedError, match=r"16 dimensions.*15 at most"):
        await world.to(embedders.names[1])
    assert await world.serving() == embedders.revisions[0]
    generations = await world.stores.generations.registry.all()
    assert [one.state for one in generations if one.read_model == "vector"] == ["live"]


async def test_an_asker_loads_the_one_that_is_about_to_take_over(world: World, embedders: Embedders) -> None:
    await world.tell(embedders.story(0))
    asking = LiveEmbedders(world.inference, which_embedder(world.stores))
    await asking.prepare()
    assert not world.inference.holds(embedders.names[1])
    generations = world.stores.generations
    await which_embedder(world.stores).known.keep(embedders.revisions[1], embedders.names[1])
    await generations.begin("vector", "next", expires_s=60, model_revision=embedders.revisions[1])
    await asking.prepare()
    async with asyncio.timeout(30):
        while not world.inference.holds(embedders.names[1]):  # noqa: ASYNC110  # a thread loads it
            await asyncio.sleep(0.01)


async def test_readers_see_one_embedder_or_the_other_and_never_nothing(world: World, embedders: Embedders) -> None:
    await read_throughout(world, embedders)
