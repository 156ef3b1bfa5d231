"""A replay that was broken off goes on where it stood, and only where what it is built by is the same."""

import asyncio
import os
import signal
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from contracts.topics import topics
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections import replay as replaying
from projections.changes import Sections
from projections.pace import Pace
from projections.replay import replay
from projections.states import State
from projections.vector import parts
from tests.projections.history import History
from tests.projections.models import NAMES, LiveModel, generations, generations_of, open_model
from tests.projections.stories import Story

ROOT = Path(__file__).resolve().parents[2]


def story(number: int) -> Story:
    """One of many."""
    return Story(f"d{number}", (f"Ada met Bob{number}.",), title="Market")


class Counting:
    """Counts what is folded for a read model."""

    def __init__(self, live: LiveModel) -> None:
        self.name = live.model.name
        self.kinds = live.model.kinds
        self.event_types = live.model.event_types
        self.folded_types = live.model.folded_types
        self.chunks_say_content = live.model.chunks_say_content
        self.reading = live.model.reading
        self._model = live.model
        self.folded: Counter[AggregateKey] = Counter()

    def of(self, model_revision: str | None) -> "Counting":
        """It counts for this one as well."""
        return self

    async def sections(self, states: Sequence[tuple[AggregateKey, State | None]]) -> list[Sections]:
        """What the read model says."""
        self.folded.update(key for key, _ in states)
        return await self._model.sections(states)


@pytest.fixture(params=NAMES)
async def live(request: pytest.FixtureRequest, history: History) -> LiveModel:
    """Each read model in turn, with some documents."""
    opened = await open_model(request.param, history)
    await history.tell(*map(story, range(12)))
    await opened.everything()
    return opened


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is something between two."""
    monkeypatch.setattr(replaying, "BATCH", 2)


async def break_off(live: LiveModel, after: int = 6) -> None:
    """A replay that ends after so many aggregates, as one does whose process is killed: nothing is tidied up."""
    done = asyncio.Event()
    task = asyncio.create_task(
        replay(
            [(live.model, live.store)],
            live.generations,
            live.history.reader,
            topics(),
            lambda count: done.set() if count >= after else None,
        )
    )
    await done.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_it_goes_on_where_it_stood(live: LiveModel, history: History) -> None:
    """What happened meanwhile is taken in as well."""
    await break_off(live)
    await history.delete(story(3))
    await history.tell(story(20))
    await live.everything()
    before = await live.digests()

    counting, done = Counting(live), list[int]()
    rows = await replay([(counting, live.store)], live.generations, history.reader, topics(), done.append)
    again = [key for key in counting.folded if key.aggregate_id not in ("d3", "d20")]
    assert 0 < len(again) < 11, "a part of it was there already"
    assert done[0] >= 2, "and was counted"
    found = await live.verify()
    assert found.difference is None and rows[live.model.name] > 0
    assert await live.digests() == before
    assert await generations(history) == {live.model.name}


async def test_it_begins_anew_when_told_or_when_its_inputs_changed(live: LiveModel, history: History) -> None:
    async def next_id() -> str:
        found = await live.generations.registry.find(live.model.name, "next")
        assert found is not None
        return found.id

    inputs = {
        "version": "replace(inputs, 'annals', 'annals 0.')",
        "schema": "replace(inputs, 'schema version ', 'schema version 1')",
        "embedder": "inputs || ', model another'",
    }
    for change in ("restart", "position", *inputs):
        await break_off(live)
        left = await next_id()
        if change in inputs:
            others = f"UPDATE annals.generations SET inputs = {inputs[change]} WHERE id = $1"
            await history.pool.execute(others, left)
        if change == "position":
            await history.pool.execute("UPDATE annals.generations SET position = NULL WHERE id = $1", left)
        models = [(live.model, live.store)]
        await replay(models, live.generations, history.reader, topics(), lambda _: None, restart=change == "restart")
        now = await live.generations.registry.live(live.model.name)
        assert now is not None and now.id != left
        assert (await live.verify()).difference is None
        assert await generations(history) == {live.model.name}


async def test_what_was_built_and_not_switched_to_is_switched_to(
    live: LiveModel, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is folded again."""

    async def fail(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(replaying, "switch_together", fail)
        with pytest.raises(asyncio.CancelledError):
            await live.replay()
    counting = Counting(live)
    await replay([(counting, live.store)], live.generations, history.reader, topics(), lambda _: None)
    assert counting.folded == {}
    assert (await live.verify()).difference is None


async def test_read_models_of_which_one_is_further_go_on_together(history: History) -> None:
    """A replay of one that was broken off is part of the next, of all."""
    models = [await open_model(name, history) for name in NAMES]
    await history.tell(*map(story, range(12)))
    await break_off(models[1])
    both = [(one.model, one.store) for one in models]
    await replay(both, generations_of(history, *both), history.reader, topics(), lambda _: None)
    for one in models:
        assert (await one.verify()).difference is None
    assert await generations(history) == set(NAMES)


async def test_a_tenant_outgrows_the_shared_part_over_two_processes(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes on knows how many passages the other one loaded."""
    monkeypatch.setattr(parts, "FEW_PASSAGES", 8)
    vector = await open_model("vector", history)
    await history.tell(*map(story, range(12)))
    await break_off(vector)
    await vector.replay()
    assert await history.pool.fetchval("SELECT count(*) FROM vector.passages_shared") == 0
    assert (await vector.verify()).difference is None


_KILLED = """
import asyncio, os, signal, sys
import projections.replay as replaying
from contracts.topics import topics
from projections.replay import replay
from tests.projections.history import open_history
from tests.projections.models import NAMES, generations_of, open_model

replaying.BATCH = 2

async def main(dsn, at):
    async with open_history(dsn) as history:
        models = [await open_model(name, history) for name in NAMES]
        both = [(one.model, one.store) for one in models]
        def report(done):
            if done >= at:
                os.kill(os.getpid(), signal.SIGKILL)
        await replay(both, generations_of(history, *both), history.reader, topics(), report)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.timeout(180)
async def test_a_killed_process_leaves_nothing_torn(history: History, dsn: str, tmp_path: Path) -> None:
    """Killed three times over, each time further on; the live ones answer throughout, and the last one finishes."""
    models = [await open_model(name, history) for name in NAMES]
    await history.tell(*map(story, range(12)))
    for one in models:
        await one.everything()
    before = [await one.digests() for one in models]
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(_KILLED))
    ids: set[str] = set()
    for at in (2, 6, 10):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), dsn, str(at), env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        assert await process.wait() == -signal.SIGKILL
        assert [await one.digests() for one in models] == before
        ids.update(one.id for one in await models[0].generations.registry.all() if one.purpose == "next")
    assert len(ids) == 3, "one of each read model, that all of them worked on"
    both = [(one.model, one.store) for one in models]
    await replay(both, generations_of(history, *both), history.reader, topics(), lambda _: None)
    for one, digests in zip(models, before, strict=True):
        assert await one.digests() == digests
        assert (await one.verify()).difference is None
    assert {one.id for one in await models[0].generations.registry.all()} == ids
    assert await generations(history) == set(NAMES)


async def test_a_rate_is_kept(history: History) -> None:
    """Twelve aggregates at ten in a second take more than a second."""
    relational = await open_model("relational", history)
    await history.tell(*map(story, range(12)))
    began = time.monotonic()
    models = [(relational.model, relational.store)]
    await replay(models, relational.generations, history.reader, topics(), lambda _: None, rate=10)
    assert time.monotonic() - began >= 1.0
    assert Pace(10).batch == 2 and Pace(1).batch == 1 and Pace(1e9).batch == 500


async def test_a_reader_begins_behind_a_stream(history: History) -> None:
    """Everything of those behind it, and nothing of those before."""
    await history.tell(*map(story, range(5)))
    reader = EventReader(history.pool)
    everything = [own async for some in reader.whole.read(["document"], 10_000) for own in some]
    streams = sorted(
        row["originator_id"]
        for row in await history.pool.fetch("SELECT DISTINCT originator_id FROM annals.stored_events")
    )
    behind = [own async for some in reader.whole.read(["document"], 10_000, after=streams[1]) for own in some]
    assert behind == everything[2:]
    assert await reader.whole.count(["document"], up_to=streams[1]) == 2
