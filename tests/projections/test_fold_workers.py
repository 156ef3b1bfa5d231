"""Processes that fold for a replay: the same read models, and none of them outlives what it works for."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from annals.composition.folding import fold_workers
from annals.composition.stores import Stores, open_read_models, open_stores
from annals.settings import load_settings
from eventstore.errors import StoreUnavailableError
from projections import fold_workers as workers
from projections.errors import UnfoldableEventError
from projections.fold_workers import FoldWorkers
from projections.folding import FoldJob
from projections.replay import replay
from projections.verify import verify
from tests.annals.processes import until
from tests.projections.contract.folding import follow
from tests.projections.history import History, open_history
from tests.projections.stories import Story

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(180)]


def story(number: int) -> Story:
    """One of many."""
    return Story(f"d{number}", (f"Ada met Bob{number}.",), title="Market")


@pytest.fixture
async def history(dsn: str, tmp_path: Path) -> AsyncIterator[History]:
    """Of the log of `services`, which is keyed."""
    async with open_history(dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def services(dsn: str, tmp_path: Path, history: History) -> AsyncIterator[Stores]:
    """With documents, some of them changed or gone, an entity that somebody merged, and a question."""
    async with open_stores(load_settings(data=tmp_path, keep_generation_seconds=0), dsn) as opened:
        await open_read_models(opened)
        await history.tell(*map(story, range(12)))
        await history.ask("bob", documents=["d1"])
        await history.merge("Ada", into="Bob1")
        await history.delete(story(3))
        for one in opened.projections.values():
            await follow(one.projector, history)
        yield opened


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are several for each process."""
    monkeypatch.setattr(workers, "A_SLICE", 3)


def folding(services: Stores, number: int = 1) -> FoldWorkers:
    """However few there are to be folded."""
    usual = fold_workers(services.settings, services.dsn)
    return FoldWorkers(usual.command, usual.environment, number, 0)


async def replayed(
    services: Stores, where: FoldWorkers | None, report: Callable[[int], None] = lambda _: None
) -> dict[str, int]:
    """All read models."""
    models = [(one.model, one.store) for one in services.projections.values()]
    return await replay(models, services.generations, services.reader, services.topics, report, folding=where)


async def digests(services: Stores) -> dict[str, dict[str, str]]:
    """Of every read model."""
    found = {}
    for name, one in services.projections.items():
        async with one.store.snapshot() as snapshot:
            found[name] = await snapshot.digests()
    return found


def runs(pid: int) -> bool:
    """Whether it does anything any more, whoever is to take note of its end."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def started() -> list[psutil.Process]:
    """Processes that fold, of this one."""
    return [one for one in psutil.Process().children() if runs(one.pid) and "annals.fold_process" in one.cmdline()]


async def test_two_processes_make_what_one_makes(services: Stores) -> None:
    """All of it, and every number that is reported is of what is done."""
    rows, before, done = await replayed(services, None), await digests(services), list[int]()
    assert await replayed(services, folding(services, 2), done.append) == rows
    assert await digests(services) == before
    assert done == sorted(done) and done[-1] == 14
    for one in services.projections.values():
        verdict = await verify(
            one.model, one.store, services.generations, services.reader, services.topics, lambda _: None
        )
        assert verdict.difference is None
    assert not started()


async def test_called_off_it_leaves_no_process_and_goes_on(services: Stores) -> None:
    """At any moment; then only what is missing is folded."""
    before, loaded = await digests(services), asyncio.Event()
    task = asyncio.create_task(replayed(services, folding(services), lambda count: loaded.set() if count > 5 else None))
    await loaded.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not started()
    assert await digests(services) == before
    done = list[int]()
    await replayed(services, folding(services), done.append)
    assert done[0] > 0, "where it stood"
    assert await digests(services) == before


async def test_one_that_is_killed_ends_the_replay_in_a_line(services: Stores) -> None:
    """What was live stays, and the next replay goes on."""
    before = await digests(services)
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(StoreUnavailableError, match=r"ended \(SIGKILL\); run it again"):
        await replayed(services, FoldWorkers([sys.executable, "-c", killed], os.environ, 2, 0))
    assert await digests(services) == before
    await replayed(services, None)
    assert await digests(services) == before


async def test_what_goes_wrong_there_is_told_as_it_is_here(services: Stores) -> None:
    """A text is missing that an event speaks of."""
    await services.pool.execute("DELETE FROM annals.texts WHERE document_id = 'd5'")
    with pytest.raises(UnfoldableEventError, match="of document d5 is not in the text store"):
        await replayed(services, folding(services))
    assert not started()


_KILLED = """
    import asyncio, sys
    from pathlib import Path
    from annals.composition.folding import fold_workers
    from annals.composition.stores import open_stores
    from annals.settings import load_settings
    from projections import fold_workers as workers
    from projections.replay import replay
    import psutil

    # It stays when it is done, so that only the end of this process can end it.
    STAYS = (
        "import asyncio, time; from annals.fold_process import opened; from projections.fold_workers import serve; "
        "asyncio.run(serve(opened)); time.sleep(600)"
    )

    async def main(dsn, data):
        workers.A_SLICE = 3
        async with open_stores(load_settings(data=data), dsn) as services:
            folding = fold_workers(services.settings, dsn)
            folding = workers.FoldWorkers([sys.executable, "-c", STAYS], folding.environment, 2, 0)

            def report(_):
                print(*(one.pid for one in psutil.Process().children()), flush=True)

            models = [(one.model, one.store) for one in services.projections.values()]
            await replay(
                models, services.generations, services.reader, services.topics, report, folding=folding, rate=0.1
            )

    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


async def test_they_end_with_who_started_them(services: Stores, dsn: str, tmp_path: Path) -> None:
    """However that ended; and what it had done is gone on with."""
    before = await digests(services)
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(_KILLED))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), dsn, str(tmp_path)),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    pids = list(map(int, (await process.stdout.readline()).split()))
    assert len(pids) == 2 and all(map(runs, pids))
    process.kill()
    assert await process.wait() == -signal.SIGKILL
    assert await asyncio.to_thread(until, lambda: not any(map(runs, pids)))
    await replayed(services, None)
    assert await digests(services) == before


def test_none_is_started_for_too_little() -> None:
    """Few aggregates, or one read model where nobody has a core to spare."""
    both = (("relational", None), ("graph", None))
    job = FoldJob((), (), 1, 1, (None, None))
    cases = [(2, both, 10, True), (2, both, 9, False), (2, both[:1], 10, False), (0, both, 10, False)]
    for number, models, aggregates, worth in cases:
        made = FoldWorkers(["false"], {}, number, 10, 2).made(models, job, aggregates)
        assert (made is not None) is worth


@pytest.mark.parametrize(("cores", "worth"), [(1, False), (2, False), (3, True), (None, False)])
def test_for_one_read_model_others_fold_where_they_have_a_core(
    cores: int | None, worth: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For several they fold on any machine."""
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    usual = fold_workers(load_settings(data=tmp_path, replay_workers=2), "postgresql://localhost/none")
    models, job = (("relational", None), ("graph", None)), FoldJob((), (), 1, 1, (None, None))
    assert (usual.made(models[:1], job, 1_000_000) is not None) is worth
    assert usual.made(models, job, 1_000_000) is not None


def test_slices_are_everything_once() -> None:
    """From where the read model that has least is, or from the beginning where one has nothing."""
    here = UUID(int=2**127)
    for behind, first in (((None, here), None), ((here, UUID(int=2**127 + 5)), here)):
        slices = FoldJob((), (), 1, 1, behind).cut(7)
        assert len(slices) == 7 and (slices[0].after, slices[-1].until) == (first, None)
        assert [one.until for one in slices[:-1]] == [one.after for one in slices[1:]]
        bounds = [one.until for one in slices[:-1] if one.until is not None]
        assert bounds == sorted(bounds) and (first is None or bounds[0] > first)
