"""Read models that belong together switch together, and go back together, while they are written and read."""

import asyncio

import pytest

from contracts.topics import topics
from eventstore.errors import StoreUnavailableError
from projections.back import go_back
from projections.errors import NoFormerGenerationError
from projections.generations import Generations
from projections.graph.postgres import PostgresGraph
from projections.relational.postgres import PostgresRelational
from projections.replay import replay
from projections.vector.postgres import PostgresPassages
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, generations, generations_of, open_model
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")
MARKET = Story("market", ("Dora met Ada.",), title="Market")
SCHEMAS = "SELECT string_agg(oid::text, ' ' ORDER BY nspname) FROM pg_namespace WHERE nspname = ANY($1)"


@pytest.fixture
async def models(history: History) -> list[LiveModel]:
    """All three, with a document in each."""
    opened = [await open_model(name, history) for name in NAMES]
    await history.tell(HARBOUR)
    for one in opened:
        await one.everything()
    return opened


@pytest.fixture
def registered(models: list[LiveModel], history: History) -> Generations:
    """Of all three."""
    return generations_of(history, *((one.model, one.store) for one in models))


async def held() -> None:
    """Nobody else is there."""


async def replayed(models: list[LiveModel], registered: Generations, keep_s: float = 60) -> None:
    """All three, together."""
    pairs = [(one.model, one.store) for one in models]
    await replay(pairs, registered, models[0].history.reader, topics(), lambda _: None, keep_s=keep_s)


async def back(models: list[LiveModel], registered: Generations, keep_s: float = 60) -> None:
    """The same."""
    pairs = [(one.model, one.store) for one in models]
    await go_back(pairs, registered, models[0].history.reader, topics(), held, keep_s=keep_s)


async def test_back_and_forth_with_all_that_came_since(
    models: list[LiveModel], registered: Generations, history: History
) -> None:
    """What is live and what is kept change places; each knows what came while it was not live."""
    await replayed(models, registered)
    ids = {one.read_model: one.id for one in await registered.registry.all() if one.state == "retired"}
    assert set(ids) == set(NAMES)
    assert await generations(history) == {*NAMES, *(f"{name}_{one}" for name, one in ids.items())}
    for story in (MARKET, Story("later", ("Edgar met Bob.",), title="Night"), HARBOUR):
        if story is HARBOUR:
            await history.delete(HARBOUR)
        else:
            await history.tell(story)
        before = {one.read_model: one.id for one in await registered.registry.all() if one.state == "retired"}
        await back(models, registered)
        now = {one.read_model: one.id for one in await registered.registry.all() if one.state == "live"}
        assert now == before
        for one in models:
            assert await one.store.positions() == await one.log_positions()
            assert (await one.verify()).difference is None
    await history.pool.execute("UPDATE annals.generations SET expires_at = now() WHERE state = 'retired'")
    assert len(await registered.remove_expired()) == 3
    assert await generations(history) == set(NAMES)
    with pytest.raises(NoFormerGenerationError, match="annals replay relational"):
        await back(models, registered)


async def test_only_the_last_one_is_kept(models: list[LiveModel], registered: Generations, history: History) -> None:
    """Three replays take no more room than one."""
    for _ in range(3):
        await replayed(models, registered)
    assert len(await generations(history)) == 6


async def test_one_of_another_schema_is_refused(
    models: list[LiveModel], registered: Generations, history: History
) -> None:
    await replayed(models, registered)
    await history.pool.execute("UPDATE annals.generations SET schema_version = 1 WHERE state = 'retired'")
    live = {one.id for one in await registered.registry.all() if one.state == "live"}
    with pytest.raises(NoFormerGenerationError, match=r"has schema version 1 and this Annals wants \d+; run: annals"):
        await back(models, registered)
    assert {one.id for one in await registered.registry.all() if one.state == "live"} == live


async def test_all_switch_in_one_step(
    models: list[LiveModel], registered: Generations, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks sees all of the old ones or all of the new: also when the last of them fails."""
    seen, done = list[str](), asyncio.Event()

    async def look() -> None:
        while not done.is_set():
            now = await history.pool.fetchval(SCHEMAS, list(NAMES))
            if now not in seen:
                seen.append(now)

    looking = asyncio.create_task(look())
    await replayed(models, registered)
    await back(models, registered)
    done.set()
    await looking
    assert len(seen) == 3 or (len(seen) == 2 and seen[0] != seen[1]), seen
    assert all(len(set(one.split()) & set(other.split())) == 0 for one in seen for other in seen if one != other)

    before = await history.pool.fetchval(SCHEMAS, list(NAMES))

    async def lost() -> None:
        raise StoreUnavailableError("the lock was lost")

    pairs = [(one.model, one.store) for one in models]
    with pytest.raises(StoreUnavailableError, match="the lock was lost"):
        await replay(pairs, registered, history.reader, topics(), lambda _: None, lost, keep_s=60)
    assert await history.pool.fetchval(SCHEMAS, list(NAMES)) == before
    for one in models:
        assert (await one.verify()).difference is None


async def test_readers_and_writers_go_on_throughout(
    models: list[LiveModel], registered: Generations, history: History
) -> None:
    """Replays and ways back beside events that keep coming: no error, no empty answer, no half a model."""
    graph, passages, rows = (
        PostgresGraph(history.pool),
        PostgresPassages(history.pool),
        PostgresRelational(history.pool),
    )
    done, turned = asyncio.Event(), asyncio.Event()
    times = 0

    async def read() -> None:
        nonlocal times
        while not done.is_set():
            found = await rows.document("default", "harbour")
            assert found is not None and (len(found.chunks), len(found.entities)) == (2, 3)
            assert len(await graph.find("default", ["Ada", "Bob", "Cleo"])) == 3
            assert [one.text for one in await passages.of_document("default", "harbour")] == [
                "Ada met Bob.",
                "Bob saw Cleo.",
            ]
            assert "Ada met Bob." in [one.text for one in await passages.all_passages("default")]
            times += 1
            turned.set()

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            await history.tell(Story(f"d{number}", (f"Ada met Bob{number}.",), title="Market"))
            for one in models:
                await one.everything()

    async with asyncio.TaskGroup() as group, asyncio.timeout(150):
        group.create_task(read())
        group.create_task(write())
        for _ in range(2):
            await replayed(models, registered)
            await back(models, registered)
            turned.clear()
            await turned.wait()
        done.set()
    assert times > 4
    for one in models:
        await one.everything()
        assert (await one.verify()).difference is None
