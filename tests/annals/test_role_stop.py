"""A role that is told to stop while it starts."""

import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.annals.conftest import Up
from tests.annals.pipeline import ANNALS, ROOT, environment
from tests.annals.processes import until

pytestmark = pytest.mark.pipeline

STOP_LIMIT_S = 3.0
SIGTERM_BIT = 1 << 14


def catches_sigterm(pid: int) -> bool:
    """As Faust has it from the start of its worker on (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) & SIGTERM_BIT)


@pytest.mark.skipif(not psutil.LINUX, reason="signals that a process catches are read from /proc")
def test_one_that_has_no_partitions_yet_stops_at_once(up: Up, tmp_path: Path) -> None:
    with (tmp_path / "role.log").open("wb") as log:
        role = subprocess.Popen(
            [*ANNALS, "run", "intake", "--data", str(up.data)], cwd=ROOT, env=environment(), stdout=log, stderr=log
        )
    try:
        assert until(lambda: catches_sigterm(role.pid), limit_s=60)
        began = time.monotonic()
        role.terminate()
        assert role.wait(30) == 0
        assert time.monotonic() - began < STOP_LIMIT_S
    finally:
        role.kill()
        role.wait(10)
