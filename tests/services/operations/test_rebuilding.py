"""Replays and verifications as they are called: few connections, locks that may be lost, leftovers of those killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from annals.composition.operations import rebuilding
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from eventstore.generations import GenerationExistsError, GenerationInUseError, GenerationNotFoundError
from eventstore.locks import LockLostError, holding
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline, DeadlineExceededError
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import RebuildRunningError
from tests.projections.contract.folding import follow
from tests.projections.history import History, open_history
from tests.projections.stories import Story

HARBOUR = Story("harbour", ("Ada met Bob.", "Bob saw Cleo."), title="Harbour")

CALLER = Caller("default", "operator", "test", FULL_ACCESS)


def soon() -> Deadline:
    """For what does not take long."""
    return Deadline.after(60)


@pytest.fixture
async def history(dsn: str, tmp_path: Path) -> AsyncIterator[History]:
    """Of the log of `services`."""
    async with open_history(dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def services(dsn: str, tmp_path: Path, history: History) -> AsyncIterator[Stores]:
    """Two connections, and a document in every read model."""
    async with open_stores(load_settings(data=tmp_path, pool_size=2, keep_generation_seconds=0), dsn) as opened:
        await open_read_models(opened)
        await history.tell(HARBOUR)
        await live_on(opened, history)
        yield opened


async def live_on(services: Stores, history: History) -> None:
    """Bring the read models to everything that happened."""
    for one in services.projections.values():
        await follow(one.projector, history)


async def schemas(services: Stores) -> set[str]:
    """Of every generation that there is."""
    rows = await services.pool.fetch("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(relational|graph|vector)'")
    return {row["nspname"] for row in rows}


async def test_two_connections_are_enough_for_everything(services: Stores, dsn: str, history: History) -> None:
    """Three replays of everything beside events that keep coming; then all is as the events say."""
    done = asyncio.Event()

    async def keep_on() -> None:
        number = 0
        async with open_stores(services.settings, dsn) as others:
            while not done.is_set():
                number += 1
                await history.tell(Story(f"d{number}", ("Ada met Dora.",), title="Market"))
                await live_on(others, history)

    async with asyncio.TaskGroup() as group, asyncio.timeout(200):
        group.create_task(keep_on())
        for _ in range(3):
            rows = await rebuilding(services).replay(CALLER, READ_MODELS, lambda _: None, deadline=soon())
            assert set(rows) == set(READ_MODELS)
            for name in READ_MODELS:
                assert (
                    await rebuilding(services).verify(CALLER, name, lambda _: None, deadline=soon())
                ).difference is None
        done.set()
    for name in READ_MODELS:
        assert (await rebuilding(services).verify(CALLER, name, lambda _: None, deadline=soon())).difference is None
    assert await schemas(services) == set(READ_MODELS)


async def test_a_lost_lock_ends_a_replay_before_its_switch(services: Stores, dsn: str) -> None:
    """Whoever holds it now may build the same read model."""
    before = {name: await services.projections[name].store.content_tag("default") for name in READ_MODELS}
    task: list[asyncio.Task[None]] = []

    async def lose() -> None:
        connection = await asyncpg.connect(dsn, timeout=10)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        await connection.close()

    def report(_: int) -> None:
        task.append(asyncio.create_task(lose()))

    with pytest.raises(LockLostError, match="start again"):
        await rebuilding(services).replay(CALLER, READ_MODELS, report, deadline=soon())
    await asyncio.gather(*task)
    assert {name: await services.projections[name].store.content_tag("default") for name in READ_MODELS} == before
    await rebuilding(services).replay(CALLER, READ_MODELS, lambda _: None, deadline=soon())
    assert await schemas(services) == set(READ_MODELS)


async def test_what_a_killed_one_left_is_removed_and_what_is_being_built_stays(services: Stores, dsn: str) -> None:
    for name in READ_MODELS:
        for purpose in ("next", "verify"):
            await services.projections[name].store.generation(purpose).begin()
        await services.pool.execute(f"CREATE SCHEMA {name}_old_0123abcd CREATE TABLE rows (number integer)")
    async with holding(dsn, ["replay graph", "verify vector"]):
        await rebuilding(services).remove_leftovers(deadline=soon())
        assert await schemas(services) == {*READ_MODELS, "graph_next", "vector_verify"}
    await rebuilding(services).remove_leftovers(deadline=soon())
    assert await schemas(services) == set(READ_MODELS)


async def test_an_expired_generation_is_removed_when_nobody_works_on_it(services: Stores) -> None:
    killed, generation = await services.generations.begin("vector", "verify", expires_s=0)
    await generation.begin()
    await rebuilding(services).remove_leftovers(deadline=soon())
    assert await schemas(services) == {*READ_MODELS, f"vector_{killed.id}"}, "under its lease"
    await services.pool.execute("UPDATE annals.generations SET leased_until = now() WHERE id = $1", killed.id)
    await rebuilding(services).remove_leftovers(deadline=soon())
    assert await schemas(services) == set(READ_MODELS)
    assert {one.state for one in await services.generations.registry.all()} == {"live"}


async def test_every_generation_is_registered(services: Stores) -> None:
    """Also under a name that is no identifier: what lies in the database is called by its id."""
    listed = {one.read_model: one for one in await rebuilding(services).generations(CALLER, deadline=soon())}
    assert {(name, one.state) for name, one in listed.items()} == {(name, "live") for name in READ_MODELS}
    await rebuilding(services).replay(CALLER, ["graph"], lambda _: None, deadline=soon())
    now = {one.read_model: one for one in await rebuilding(services).generations(CALLER, deadline=soon())}
    assert now["graph"].id != listed["graph"].id and now["graph"].rows and now["graph"].switched_at is not None
    assert now["vector"] == listed["vector"]

    name = 'last Monday"; DROP SCHEMA graph; --'
    made, generation = await services.generations.begin("graph", name, expires_s=60, as_of=3)
    await generation.begin()
    assert f"graph_{made.id}" in await schemas(services)
    with pytest.raises(GenerationExistsError, match="drop it first"):
        await services.generations.begin("graph", name, expires_s=60)
    assert (made.as_of, made.state, made.leased) == (3, "building", True)
    await rebuilding(services).drop(CALLER, made.id, deadline=soon())
    assert await schemas(services) == set(READ_MODELS)


async def test_a_generation_in_use_is_not_dropped(services: Stores) -> None:
    live = await services.generations.registry.live("graph")
    assert live is not None
    with pytest.raises(GenerationInUseError, match="is live"):
        await rebuilding(services).drop(CALLER, live.id, deadline=soon())
    made, generation = await services.generations.begin("graph", "next", expires_s=60)
    await generation.begin()
    await services.pool.execute("UPDATE annals.generations SET owner = 'elsewhere:1' WHERE id = $1", made.id)
    with pytest.raises(GenerationInUseError, match="worked on by elsewhere:1"):
        await rebuilding(services).drop(CALLER, made.id, deadline=soon())
    with pytest.raises(GenerationNotFoundError, match="no generation 'none'"):
        await rebuilding(services).drop(CALLER, "none", deadline=soon())
    assert await schemas(services) == {*READ_MODELS, f"graph_{made.id}"}


async def test_a_replay_removes_the_leftovers_of_others(services: Stores) -> None:
    killed, generation = await services.generations.begin("vector", "verify", expires_s=0)
    await generation.begin()
    async with services.generations.registry.leased([killed.id]):
        pass  # and then nobody works on it
    await rebuilding(services).replay(CALLER, ["graph"], lambda _: None, deadline=soon())
    assert await schemas(services) == set(READ_MODELS)


async def test_one_of_a_name_at_a_time(services: Stores, dsn: str) -> None:
    async with holding(dsn, ["replay graph"]):
        with pytest.raises(RebuildRunningError, match="`annals replay graph` runs already"):
            await rebuilding(services).replay(CALLER, READ_MODELS, lambda _: None, deadline=soon())
        assert (await rebuilding(services).verify(CALLER, "graph", lambda _: None, deadline=soon())).difference is None


async def test_the_relay_knows_of_a_replay(services: Stores, history: History) -> None:
    """A replayed read model needs nothing that came before."""
    await rebuilding(services).replay(CALLER, ["graph"], lambda _: None, deadline=soon())
    assert await services.positions.of("graph") == await services.projections["graph"].store.positions()
    assert min((await services.positions.of("graph")).values()) == await history.reader.head()


async def test_what_is_past_its_deadline_leaves_everything_as_it_was(services: Stores, dsn: str) -> None:
    before = await schemas(services)
    tags = {name: await services.projections[name].store.content_tag("default") for name in READ_MODELS}
    with pytest.raises(DeadlineExceededError):
        await rebuilding(services).replay(CALLER, READ_MODELS, lambda _: None, deadline=Deadline.after(0))
    with pytest.raises(DeadlineExceededError):
        await rebuilding(services).verify(CALLER, "graph", lambda _: None, deadline=Deadline.after(0))
    assert await schemas(services) == before
    assert {name: await services.projections[name].store.content_tag("default") for name in READ_MODELS} == tags
    await rebuilding(services).replay(CALLER, READ_MODELS, lambda _: None, deadline=soon())
