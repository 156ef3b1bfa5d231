"""Processes are kept running, one supervisor a data folder, and nothing is left behind: with real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from annals.supervision import process as processes
from annals.supervision import supervisor as supervision
from annals.supervision.process import ProcessSpec
from annals.supervision.state import AlreadyUpError, State, last_state, read_state
from annals.supervision.supervisor import Supervisor
from contracts.errors import AnnalsError
from tests.annals.pipeline import ROOT
from tests.annals.processes import alive, until

pytestmark = pytest.mark.pipeline

ADDRESSES = {"broker": "127.0.0.1:1"}
SLEEP = ("sleep", "600")


def program(text: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(text)]


def stubborn(mark: Path) -> list[str]:
    """A program that makes the file `mark` once it pays no attention to SIGTERM any more."""
    return program(f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(mark)!r}).touch()
        time.sleep(600)
    """)


def autogroup(pid: int) -> str | None:
    """Of the process's session; None where Linux knows none."""
    file = Path(f"/proc/{pid}/autogroup")
    return file.read_text("utf-8") if file.exists() else None


@asynccontextmanager
async def running(data: Path, *stages: list[ProcessSpec]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(data, stages, ADDRESSES)
    await supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def eventually(true: Callable[[], bool]) -> bool:
    return await asyncio.to_thread(until, true)


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process is made ready between fork and exec")
async def test_a_process_gives_way_as_far_as_it_is_told_and_so_do_its_children(tmp_path: Path) -> None:
    nice = ProcessSpec("nice", program("import subprocess; subprocess.run(['sleep', '600'])"), niceness=3)
    async with running(tmp_path, [nice], [ProcessSpec("sleeper", SLEEP)]) as supervisor:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        (first,), (other,) = supervisor.state.processes["nice"], supervisor.state.processes["sleeper"]
        assert os.getpriority(os.PRIO_PROCESS, other) == own
        assert os.getpriority(os.PRIO_PROCESS, first) == min(own + 3, 19)
        group = await asyncio.to_thread(autogroup, first)
        assert group is None or group.endswith(" nice 3\n")
        assert await eventually(lambda: bool(psutil.Process(first).children()))
        (child,) = psutil.Process(first).children()
        assert child.nice() == min(own + 3, 19)


async def test_what_ends_is_started_again(tmp_path: Path) -> None:
    spec = ProcessSpec("sleeper", SLEEP)
    async with running(tmp_path, [spec]) as supervisor:
        seen = set()
        for _ in range(3):
            (pid,) = supervisor.state.processes["sleeper"]
            seen.add(pid)
            os.kill(pid, signal.SIGKILL)
            assert await eventually(lambda: set(supervisor.state.processes["sleeper"]) - seen != set())
            state = read_state(tmp_path)
            assert state is not None
            assert state.processes == supervisor.state.processes, "the file follows"
        (last,) = supervisor.state.processes["sleeper"]
    assert len(seen) == 3
    assert not any(map(alive, {*seen, last}))


async def test_stages_start_in_order_and_stop_backwards(tmp_path: Path) -> None:
    story = tmp_path / "story"
    ready = tmp_path / "ready"

    def spec(role: str, asks: bool) -> ProcessSpec:
        async def is_ready() -> None:
            ready.stat()

        text = f"""
            import pathlib, signal, sys, time
            def tell(word):
                with open({str(story)!r}, "a") as file:
                    file.write({role!r} + " " + word + "\\n")
            def end(*_):
                tell("ends")
                sys.exit()
            signal.signal(signal.SIGTERM, end)
            tell("starts")
            if {asks}:
                time.sleep(0.3)
                tell("is ready")
                pathlib.Path({str(ready)!r}).touch()
            time.sleep(600)
        """
        return ProcessSpec(role, program(text), ready=is_ready if asks else None)

    async with running(tmp_path, [spec("server", True)], [spec("role", False)]):
        assert await eventually(lambda: "role starts" in story.read_text())
    assert story.read_text().splitlines() == [
        "server starts",
        "server is ready",
        "role starts",
        "role ends",
        "server ends",
    ]


async def test_one_supervisor_a_folder(tmp_path: Path) -> None:
    async with running(tmp_path, [ProcessSpec("sleeper", SLEEP)]) as first:
        second = Supervisor(tmp_path, [[ProcessSpec("sleeper", SLEEP)]], {})
        with pytest.raises(AlreadyUpError, match=f"by process {os.getpid()};"):
            await second.start()
        await second.stop()
        assert read_state(tmp_path) == first.state, "the refused one took nothing away"
    async with running(tmp_path, [ProcessSpec("sleeper", SLEEP)]):
        assert read_state(tmp_path) is not None


async def test_the_state_is_there_while_it_is_true(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    async with running(tmp_path, [ProcessSpec("sleeper", SLEEP), ProcessSpec("sleeper", SLEEP)]):
        state = read_state(tmp_path)
        assert state is not None
        assert (state.supervisor, state.addresses) == (os.getpid(), ADDRESSES)
        assert len(set(state.processes["sleeper"])) == 2
        assert all(map(alive, state.processes["sleeper"]))
        file = tmp_path / "run" / "state.json"
        assert file.stat().st_mode & 0o077 == 0, "addresses may hold a password"
        assert [path.name for path in file.parent.iterdir() if path.name not in ("lock", "state.json")] == []
    assert read_state(tmp_path) is None
    assert not file.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"supervisor": 1, "colour": "red"}'])
def test_a_broken_state_file_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.json").write_text(content)
    assert last_state(tmp_path) is None


async def test_a_stubborn_child_is_killed_after_its_grace(tmp_path: Path) -> None:
    mark = tmp_path / "deaf"
    async with running(tmp_path, [ProcessSpec("deaf", stubborn(mark), stop_grace_s=0.3)]) as supervisor:
        assert await eventually(mark.exists)
        (pid,) = supervisor.state.processes["deaf"]
    assert not alive(pid)


@pytest.mark.parametrize("ends_at", [signal.SIGTERM, signal.SIGKILL])
async def test_what_a_killed_supervisor_left_is_ended_at_the_next_start(
    tmp_path: Path, ends_at: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark, heeding = tmp_path / "mark", tmp_path / "heeding"
    # The kernel tells children of a dead parent, once for each of its threads. Who heeds a later SIGTERM alone stays.
    obedient = f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, lambda *_: exit() if pathlib.Path({str(heeding)!r}).exists() else None)
        pathlib.Path({str(mark)!r}).touch()
        while True:
            time.sleep(600)
    """
    command = program(obedient) if ends_at is signal.SIGTERM else stubborn(mark)
    killed = supervising(tmp_path, command)
    assert await eventually(mark.exists)
    state = read_state(tmp_path)
    assert state is not None and state.supervisor == killed.pid
    (left,) = state.processes["left"]
    killed.kill()
    killed.wait(10)
    assert read_state(tmp_path) is None, "its lock went with it"
    assert alive(left)
    heeding.touch()
    if ends_at is signal.SIGKILL:
        monkeypatch.setattr(supervision, "LEFTOVER_LIMIT_S", 0.5)
    async with running(tmp_path, [ProcessSpec("sleeper", SLEEP)]):
        assert await eventually(lambda: not alive(left))


def supervising(data: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    """A supervisor in a process of its own, keeping `command` running."""
    text = f"""
        import asyncio, os, pathlib
        from annals.supervision.process import ProcessSpec
        from annals.supervision.supervisor import Supervisor
        env = {{**os.environ, "ANNALS_SUPERVISOR": str(os.getpid())}}
        spec = ProcessSpec("left", {command!r}, env=env)
        async def main():
            await Supervisor(pathlib.Path({str(data)!r}), [[spec]], {{}}).start()
            await asyncio.Event().wait()
        asyncio.run(main())
    """
    return subprocess.Popen(program(text), cwd=ROOT)


def stranger_process() -> "subprocess.Popen[bytes]":
    """Nobody's child but the test's."""
    return subprocess.Popen(SLEEP)


async def test_a_stranger_under_a_recorded_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = stranger_process()
    try:
        (tmp_path / "run").mkdir()
        old = {"supervisor": 4_000_000, "addresses": {}, "processes": {"worker": [stranger.pid]}}
        (tmp_path / "run" / "state.json").write_text(json.dumps(old))
        assert last_state(tmp_path) == State(**old)  # type: ignore[arg-type]
        async with running(tmp_path, [ProcessSpec("sleeper", SLEEP)]):
            assert alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait(10)


async def test_a_log_that_is_full_is_turned_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 100)
    file = tmp_path / "logs" / "talker.log"
    talk = program("""
        import time
        print("x" * 150, flush=True)
        time.sleep(600)
    """)
    async with running(tmp_path, [ProcessSpec("talker", talk, log_file=file)]) as supervisor:
        for start in range(2):
            assert await eventually(lambda: file.exists() and file.stat().st_size > 150)
            assert file.with_suffix(".old.log").exists() is (start > 0), "kept: the last full one, and the present one"
            (pid,) = supervisor.state.processes["talker"]
            os.kill(pid, signal.SIGKILL)
            assert await eventually(lambda pid=pid: supervisor.state.processes["talker"] not in ([], [pid]))  # type: ignore[misc]


async def test_a_child_that_ends_while_starting_says_its_last_words(tmp_path: Path) -> None:
    async def never() -> None:
        raise ConnectionError

    words = "print('the port is taken'); raise SystemExit(3)"
    spec = ProcessSpec("server", [sys.executable, "-c", words], ready=never, log_file=tmp_path / "server.log")
    with pytest.raises(AnnalsError, match="server ended while starting: the port is taken"):
        await Supervisor(tmp_path, [[spec]], {}).start()
    assert read_state(tmp_path) is None


async def test_the_cause_is_shown_whatever_follows_it_or_was_there_before(tmp_path: Path) -> None:
    async def never() -> None:
        raise ConnectionError

    log, cleaned = tmp_path / "server.log", tmp_path / "cleaned"
    log.write_text("FATAL:  of an earlier start\n")
    words = (
        "2026-01-02 03:04:05.678 UTC [12] LOG:  starting",
        '2026-01-02 03:04:05.678 UTC [12] FATAL:  could not create lock file "x": No space left on device',
        "2026-01-02 03:04:05.678 UTC [12] LOG:  database system is shut down",
    )
    command = [sys.executable, "-c", f"print({chr(10).join(words)!r}); raise SystemExit(1)"]
    spec = ProcessSpec("postgres", command, ready=never, log_file=log, clean_up=cleaned.touch)
    with pytest.raises(AnnalsError) as caught:
        await Supervisor(tmp_path, [[spec]], {}).start()
    assert str(caught.value) == (
        f'postgres ended while starting: FATAL:  could not create lock file "x": No space left on device (log: {log})'
    )
    assert cleaned.exists()


async def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(AnnalsError, match=r"cannot use the data folder .*/file: "):
        await Supervisor(tmp_path / "file", [[ProcessSpec("sleeper", SLEEP)]], {}).start()


async def test_a_failed_start_leaves_nothing_running(tmp_path: Path) -> None:
    """One of a stage cannot be started while another is still on its way."""
    mark = tmp_path / "mark"
    prepared = threading.Event()

    def slowly() -> None:
        until(lambda: False, limit_s=0.5)
        prepared.set()

    broken = ProcessSpec("broken", ["/nowhere/at-all"])
    slow = ProcessSpec("slow", ["sh", "-c", f"touch {mark}; exec sleep 600"], prepare=slowly)
    with pytest.raises(AnnalsError, match="/nowhere/at-all"):
        await Supervisor(tmp_path, [[ProcessSpec("first", SLEEP)], [slow, broken]], {}).start()
    assert await asyncio.to_thread(prepared.wait, 10)
    assert read_state(tmp_path) is None
    async with running(tmp_path, [ProcessSpec("sleeper", SLEEP)]):
        assert read_state(tmp_path) is not None, "and the folder is free again"
    assert not mark.exists(), "the slow one must not start after everything was stopped"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("127.0.0.1:9092", "127.0.0.1:9092"),
        ("bolt://127.0.0.1:7687", "bolt://127.0.0.1:7687"),
        ("https://ada:secret@search.example.org:9200/x", "https://ada@search.example.org:9200/x"),
        ("redis://:secret@127.0.0.1:6379/0?password=secret", "redis://127.0.0.1:6379/0"),
        ("postgresql://ada:se%40cret@db/annals?sslmode=require", "postgresql://ada@db/annals?sslmode=require"),
        ("postgresql://db/annals?host=/a,/b&sslpassword=secret", "postgresql://db/annals?host=/a,/b"),
        ("postgresql://postgres@/annals?host=/run/postgres", "postgresql://postgres@/annals?host=/run/postgres"),
    ],
)
def test_addresses_are_shown_without_passwords(address: str, shown: str) -> None:
    assert State(1, {"postgres": address}).shown == {"postgres": shown}
