"""`annals status` where something is away: the rest is shown, what is away is named, and what to do."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from annals.heartbeat import FRESH_S, silent
from tests.annals.conftest import Up
from tests.annals.pipeline import annals, called, given
from tests.annals.processes import until

NOTHING_ANSWERS = {"ANNALS_POSTGRES": "postgresql://me:secret@127.0.0.1:1/none", "ANNALS_BROKER": "127.0.0.1:1"}


@contextlib.contextmanager
def hanging(pid: int) -> Iterator[None]:
    """A process and its children that do not answer any more, though they are there."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    pids = [pid, *map(int, found.stdout.split())]
    try:
        for each in pids:
            os.kill(each, signal.SIGSTOP)
        yield
    finally:
        for each in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


def test_without_postgres_the_rest_is_shown(up: Up) -> None:
    (pid,) = up.pipeline.pids("postgres")
    began = time.monotonic()
    with hanging(pid):
        status = given(up.data, "status", exit_code=1)
        assert time.monotonic() - began < 40
        people = called(up.data, "status")
    assert set(status["unknown"]) == {"postgres"}
    assert status["databases"]["postgres"]["health"] == "down"
    assert status["documents"] is None and status["consumers"] == {}
    assert status["kafka"]["health"] == "healthy"
    assert status["processes"]["postgres"] == [pid] and status["processes"]["worker"]
    assert people.exit_code == 1
    assert "-> PostgreSQL: nothing is taken in" in people.stdout
    assert people.stderr == ""
    assert given(up.data, "status")["unknown"] == {}


def test_without_kafka_the_rest_is_shown(up: Up) -> None:
    (pid,) = up.pipeline.pids("broker")
    with hanging(pid):
        status = given(up.data, "status", exit_code=1)
    assert set(status["unknown"]) == {"kafka"} and status["kafka"]["health"] == "down"
    assert status["documents"] >= up.summary["documents"]
    assert status["relay"] is not None and all(one["position"] for one in status["consumers"].values())
    assert any(line.startswith("Kafka: ") for line in status["advice"])


@contextlib.contextmanager
def without_token(data: Path) -> Iterator[None]:
    """Nobody asks the gateway."""
    (data / "admin.token").rename(data / "aside")
    try:
        yield
    finally:
        (data / "aside").rename(data / "admin.token")


def test_the_gateway_tells_what_the_databases_tell(up: Up) -> None:
    assert up.caught_up()
    there, shown_there = given(up.data, "status"), called(up.data, "status").stdout
    with without_token(up.data):
        here, shown_here = given(up.data, "status"), called(up.data, "status").stdout
    assert there["addresses"]["gateway"] == up.pipeline.addresses["gateway"]
    for status in (there, here):
        # Each asks over connections of its own.
        for stats in (*status["databases"].values(), status["kafka"]):
            for own in set(stats) - {"health", "error", "limit"}:
                stats[own] = None
    assert there == here

    def rounded(shown: str) -> str:
        return re.sub(r"answers in \d+ ms.*", "answers", shown)

    assert rounded(shown_there) == rounded(shown_here)


def test_without_the_gateway_the_databases_are_asked(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.gateway.IMPATIENT_LIMIT_S", 1.0)
    (pid,) = up.pipeline.pids("gateway")
    with hanging(pid):
        status = given(up.data, "status", exit_code=1)
        people = called(up.data, "status").stdout
    assert set(status["unknown"]) == {"gateway"}
    assert status["documents"] >= up.summary["documents"] and status["kafka"]["health"] == "healthy"
    assert status["addresses"]["gateway"] in status["unknown"]["gateway"]
    assert "unknown: gateway (at http" in people and "-> the gateway: " in people
    assert until(lambda: called(up.data, "status").exit_code == 0, limit_s=60)


def test_a_killed_gateway_hides_nothing(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is started again meanwhile: whether it answers already is a matter of time."""
    monkeypatch.setattr("client.gateway.IMPATIENT_LIMIT_S", 1.0)
    (pid,) = up.pipeline.pids("gateway")
    os.kill(pid, signal.SIGKILL)
    status = json.loads(called(up.data, "status", "--json").stdout)
    assert set(status["unknown"]) <= {"gateway"}
    assert status["documents"] >= up.summary["documents"] and status["kafka"]["health"] == "healthy"
    assert until(lambda: called(up.data, "status").exit_code == 0, limit_s=60)


@pytest.mark.pipeline
def test_where_nothing_answers_that_is_shown(tmp_path: Path) -> None:
    done = annals(tmp_path / "data", "status", "--json", env=NOTHING_ANSWERS, check=False)
    status = json.loads(done.stdout)
    assert done.returncode == 1
    assert set(status["unknown"]) == {"postgres", "kafka"}
    assert "secret" not in done.stdout + done.stderr
    assert {line.partition(":")[0] for line in status["advice"]} == {"PostgreSQL", "Kafka"}


def test_who_shows_no_sign_of_life(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for role, pid, age_s in (("relay", 1, FRESH_S + 5), ("worker", 2, 0.0), ("worker", 3, FRESH_S + 5)):
        beat = tmp_path / "run" / f"{role}-{pid}.beat"
        beat.touch()
        os.utime(beat, (time.time() - age_s,) * 2)
    assert silent(tmp_path, {"relay": [1], "worker": [2, 3], "intake": [4]}) == {"relay": [1], "worker": [3]}
