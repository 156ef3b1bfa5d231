"""Generations as of a position: at any of them what a log holds that ends there, however the generation was made."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from contracts.topics import topics
from eventstore.generations import GenerationExistsError, RegisteredGeneration
from eventstore.pool import Connection
from projections import as_of
from projections.as_of import make_as_of
from projections.changes import ReadModel, uniform_positions
from projections.errors import UnfoldableEventError
from projections.generations import Generations
from projections.postgres.store import PostgresStore
from projections.replay import build
from projections.store import Generation
from projections.vector.postgres import PostgresPassages, VectorStore
from tests.projections.contract.folding import digests
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, generations_of, open_model
from tests.projections.models import generations as schemas
from tests.projections.randomly import live_randomly
from tests.projections.stories import Story

POSITIONS = 50
HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")


async def open_all(history: History) -> tuple[list[LiveModel], Generations]:
    """The three read models, live, and the registry of their generations."""
    live = [await open_model(name, history) for name in NAMES]
    generations = generations_of(history, *((one.model, one.store) for one in live))
    await generations.register_live()
    return live, generations


async def made(
    live: Sequence[LiveModel], generations: Generations, name: str, position: int, *, from_near: bool = True
) -> dict[str, RegisteredGeneration]:
    """The generations of a name, by read model."""
    history = live[0].history
    await make_as_of(
        [(one.model, one.store) for one in live],
        name,
        position,
        generations,
        history.reader,
        topics(),
        lambda _: None,
        expires_s=3600,
        from_near=from_near,
    )
    return {one.read_model: one for one in await generations.registry.all() if one.purpose == name}


async def held(generations: Generations, of: dict[str, RegisteredGeneration]) -> dict[str, dict[str, str]]:
    """Their digests, by read model and part."""
    return {name: await digests(generations.store_of(one)) for name, one in of.items()}


async def from_the_log(live: Sequence[LiveModel]) -> dict[str, dict[str, str]]:
    """Digests of what is built from all of the log that there is."""
    history = live[0].history
    head = await history.reader.head()
    building = [(one.model, one.store.generation("cut")) for one in live]
    await build(building, history.reader, up_to=head, report=lambda _: None)
    found = {}
    for model, generation in building:
        await generation.finish(uniform_positions(model, topics(), head))
        found[model.name] = await digests(generation.store)
        await generation.discard()
    return found


async def test_as_of_any_position_is_what_a_log_holds_that_ends_there(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made from nothing, of a snapshot, or led there from what is nearest: the live ones, which lag behind, or one as
    of another position. Then the log is cut there indeed, from its end on.
    """
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    live, generations = await open_all(history)
    await live_randomly(history, chance, 60)
    for one in live:
        await one.everything()
    await live_randomly(history, chance, 60)
    head = await history.reader.head()
    positions = sorted(chance.sample(range(1, head + 1), min(POSITIONS, head)), reverse=True)
    then = {}
    for position in positions:
        if chance.random() < 0.3 and await generations.registry.find("graph", "snapshot") is None:
            await made(live, generations, "snapshot", chance.randint(0, head), from_near=chance.random() < 0.5)
        of = await made(live, generations, f"p{position}", position, from_near=chance.random() < 0.7)
        then[position] = await held(generations, of)
        if chance.random() < 0.8:
            for taken in of.values():
                await generations.drop(taken.id)
    for position in positions:
        await history.pool.execute("DELETE FROM annals.stored_events WHERE notification_id > $1", position)
        assert then[position] == await from_the_log(live), f"as of {position} of {head}"


async def test_it_stays_as_it_is_whatever_happens_then(history: History) -> None:
    live, generations = await open_all(history)
    await history.tell(HARBOUR)
    position = await history.reader.head()
    await history.tell(MARKET)
    await history.delete(HARBOUR)
    for one in live:
        await one.everything()
    of = await made(live, generations, "before", position)
    assert all((one.as_of, one.state, one.leased) == (position, "ready", False) for one in of.values())
    before = await held(generations, of)
    await history.tell(HARBOUR)
    await live[0].replay()
    assert await held(generations, of) == before


@pytest.mark.parametrize("from_near", [True, False])
async def test_its_rows_are_counted(history: History, monkeypatch: pytest.MonkeyPatch, from_near: bool) -> None:
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    live, generations = await open_all(history)
    await history.tell(HARBOUR)
    position = await history.reader.head()
    await history.tell(MARKET)
    await history.delete(HARBOUR)
    for one in live:
        await one.everything()
    of = await made(live, generations, "before", position, from_near=from_near)
    assert of["vector"].rows == len(HARBOUR.chunks)
    assert of["graph"].rows == (await made(live, generations, "again", position, from_near=not from_near))["graph"].rows


async def test_a_name_is_taken_once(history: History) -> None:
    live, generations = await open_all(history)
    await history.tell(HARBOUR)
    first = await made(live, generations, "monday", 1)
    there = await schemas(history)
    with pytest.raises(GenerationExistsError, match="has a generation 'monday' already"):
        await made(live, generations, "monday", 2)
    assert await schemas(history) == there
    for one in first.values():
        await generations.drop(one.id)
    assert await schemas(history) == set(NAMES)


async def test_where_one_cannot_be_built_none_is_left(history: History) -> None:
    live, generations = await open_all(history)
    await history.tell(HARBOUR)
    await history.outputs.clear(HARBOUR.embedder)
    with pytest.raises(UnfoldableEventError):
        await made(live, generations, "monday", await history.reader.head())
    assert await schemas(history) == set(NAMES)
    assert {one.state for one in await generations.registry.all()} == {"live"}


async def test_a_snapshot_is_taken_where_it_is_near(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    live, generations = await open_all(history)
    await history.tell(HARBOUR, MARKET)
    head = await history.reader.head()
    snapshot = await made(live, generations, "snapshot", head)
    monkeypatch.setattr(as_of, "NEAR", 0.0)
    far = await made(live, generations, "far", head - 1)
    assert await generations.registry.find("graph", "snapshot") is not None
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    taken = await made(live, generations, "taken", head - 1)
    assert {one.id for one in taken.values()} == {one.id for one in snapshot.values()}
    assert await generations.registry.find("graph", "snapshot") is None
    assert await held(generations, taken) == await held(generations, far)
    assert [(one.as_of, one.position, one.rows) for one in taken.values()] == [
        (one.as_of, one.position, one.rows) for one in far.values()
    ]
    await made(live, generations, "snapshot", head)
    with pytest.raises(GenerationExistsError):
        await made(live, generations, "taken", head)
    assert await generations.registry.find("graph", "snapshot") is not None


@pytest.mark.parametrize("back", [True, False])
async def test_texts_of_two_versions_are_not_mixed(
    history: History, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """Whichever way it is led, each version of a document is cut out of its own text."""
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    live, generations = await open_all(history)
    stories = [replace(HARBOUR, sentences=(f"Ada met Bob in {number}.", "Bob saw Cleo.")) for number in range(8)]
    ends = []
    for story in stories:
        await history.tell(story)
        ends.append(await history.reader.head())
    if back:
        ends.reverse()
        stories.reverse()
    await made(live, generations, "snapshot", ends[0])
    for number, (story, position) in enumerate(zip(stories, ends, strict=True)):
        of = await made(live, generations, f"p{number}", position)
        read = PostgresPassages(history.pool, f"vector_{of['vector'].id}")
        assert [one.text for one in await read.of_document("default", "harbour")] == list(story.sentences)


@pytest.mark.parametrize("other", ["schema_version = 1", "model_revision = 'another'", "inputs = 'annals 0.0.1'"])
async def test_none_begins_with_what_was_made_by_others(
    history: History, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """Neither a snapshot nor a copy of another one: rows of another schema, or of another embedder, would be among its
    own; the version that made it may have folded the events otherwise.
    """
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    live, generations = await open_all(history)
    await history.tell(HARBOUR, MARKET)
    for one in live:
        await one.everything()
    head = await history.reader.head()
    snapshot = await made(live, generations, "snapshot", head - 1)
    await made(live, generations, "near", head - 2, from_near=False)
    from_nothing = await made(live, generations, "nothing", head, from_near=False)
    expected = await held(generations, from_nothing)
    for each in from_nothing.values():
        await generations.drop(each.id)
    await history.pool.execute(f"UPDATE annals.generations SET {other}")
    built = list[str]()

    async def building(models: Sequence[tuple[ReadModel, Generation]], *args: Any, **options: Any) -> dict[str, int]:
        built.extend(model.name for model, _ in models)
        return await build(models, *args, **options)

    monkeypatch.setattr(as_of, "build", building)
    anew = await made(live, generations, "anew", head)
    assert built == list(NAMES)
    assert await held(generations, anew) == expected
    left = {one.id for one in await generations.registry.all() if one.purpose == "snapshot"}
    assert left == {one.id for one in snapshot.values()}


async def test_one_that_is_switched_away_while_it_is_copied_is_done_without(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A switch gives a generation another name, and waits for no reader."""
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    live, generations = await open_all(history)
    await history.tell(HARBOUR, MARKET)
    for one in live:
        await one.everything()
    head = await history.reader.head()
    expected = await held(generations, await made(live, generations, "nothing", head - 1, from_near=False))
    for each in await generations.registry.all():
        if each.purpose == "nothing":
            await generations.drop(each.id)
    make_room = PostgresStore.make_room_as

    async def switched(store: PostgresStore, connection: Connection, schema: str) -> None:
        await make_room(store, connection, schema)
        await history.pool.execute(f"ALTER SCHEMA {schema} RENAME TO {schema}_away")

    monkeypatch.setattr(PostgresStore, "make_room_as", switched)
    assert await held(generations, await made(live, generations, "anew", head - 1)) == expected


async def test_a_generation_that_goes_while_it_is_copied_is_one_that_is_not_there(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever of it is read at that moment; then the log is read instead."""
    live, _ = await open_all(history)
    await history.tell(HARBOUR)
    for one in live:
        await one.everything()
    source = next(one.store for one in live if one.model.name == "vector")
    make_room_as = VectorStore.make_room_as

    async def as_it_goes(store: VectorStore, connection: Connection, schema: str) -> None:
        await history.pool.execute(f"ALTER SCHEMA {schema} RENAME TO switched_away_from")
        await make_room_as(store, connection, schema)

    monkeypatch.setattr(VectorStore, "make_room_as", as_it_goes)
    copy = source.generation("copy")
    assert await copy.begin_as(source) is None
    await copy.discard()


async def test_a_generation_that_went_before_it_was_looked_at_is_passed_over(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "NEAR", 1.0)
    live, generations = await open_all(history)
    await history.tell(HARBOUR)
    for one in live:
        await one.everything()
    await history.pool.execute("ALTER SCHEMA vector RENAME TO switched_away_from")
    of = await made(live, generations, "before", await history.reader.head())
    assert await held(generations, of) == await from_the_log(live)
