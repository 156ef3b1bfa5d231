"""Roles give signs of life that one shell command can see, and a role that stands still gives none."""

import os
import signal
import time
from pathlib import Path

import pytest

from annals.heartbeat import FRESH_S, Heartbeat
from annals.roles import UP
from contracts.errors import AnnalsError
from tests.annals.conftest import Up
from tests.annals.processes import beats, healthy, until

pytestmark = pytest.mark.timeout(300)


def grow_old(file: Path) -> None:
    """As if nobody had touched it for longer than a role may be silent."""
    past = time.time() - FRESH_S - 1
    os.utime(file, (past, past))


def test_the_file_is_there_from_the_first_beat_to_the_end(tmp_path: Path) -> None:
    data = tmp_path / "data"
    heartbeat = Heartbeat(data, "worker")
    assert beats(data) == {} and not healthy(data)
    heartbeat.beat()
    (file,) = beats(data).values()
    assert file.name == f"worker-{os.getpid()}.beat"
    assert healthy(data)
    grow_old(file)
    assert not healthy(data)
    heartbeat.beat()
    assert healthy(data)
    heartbeat.end()
    assert beats(data) == {} and not healthy(data)


def test_what_killed_processes_left_is_cleared_away(tmp_path: Path) -> None:
    own, killed, other = (
        tmp_path / "run" / f"{name}.beat" for name in (f"worker-{os.getpid()}", "worker-7", "relay-8")
    )
    at_work = tmp_path / "run" / "worker-9.beat"
    own.parent.mkdir()
    for file in (own, killed, other, at_work):
        file.touch()
    grow_old(killed)
    Heartbeat(tmp_path, "worker")
    assert not own.exists(), "an earlier process with this id is no sign of life"
    assert not killed.exists()
    assert other.exists() and at_work.exists()


def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AnnalsError, match="cannot write to the data folder"):
        Heartbeat(tmp_path / "file", "worker")


def test_a_folder_that_went_away_stops_nobody(tmp_path: Path) -> None:
    heartbeat = Heartbeat(tmp_path, "worker")
    (tmp_path / "run").rmdir()
    heartbeat.beat()
    heartbeat.end()


def test_every_role_gives_signs_of_life_and_none_while_it_is_stopped(up: Up) -> None:
    pipeline, data = up.pipeline, up.data
    pids = {role: pid for role in UP for pid in pipeline.pids(role)}
    # Of one that was killed before, a file may lie there still.
    files = {role: data / "run" / f"{role}-{pid}.beat" for role, pid in pids.items()}
    assert until(lambda: all(file.exists() for file in files.values()), limit_s=120)
    for file in files.values():
        grow_old(file)
    assert until(lambda: all(time.time() - file.stat().st_mtime < 5 for file in files.values())), "all go on"

    stopped = [pids[role] for role in ("relay", "worker")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        for role in UP:
            grow_old(files[role])
        # Long enough for three beats of those that go on; the others had the same time.
        for _ in range(3):
            for role in ("intake", "projector"):
                grow_old(files[role])
            assert until(lambda: all(time.time() - files[role].stat().st_mtime < 5 for role in ("intake", "projector")))
        assert all(time.time() - files[role].stat().st_mtime > FRESH_S for role in ("relay", "worker"))
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert until(lambda: all(time.time() - file.stat().st_mtime < 5 for file in files.values())), "all go on again"
