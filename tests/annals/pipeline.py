"""`annals up` as a child of the test, and the command line beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ANNALS = [sys.executable, "-m", "annals"]
ROOT = Path(__file__).parents[2]


def annals(data: Path, *arguments: str, check: bool = True, limit_s: float = 300) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    done = subprocess.run(
        [*ANNALS, *arguments, "--data", str(data)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"annals {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done


def annals_json(data: Path, *arguments: str, limit_s: float = 300) -> Any:
    """The one JSON object on stdout."""
    return json.loads(annals(data, *arguments, "--json", limit_s=limit_s).stdout)


def environment() -> dict[str, str]:
    """Ours, without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANNALS_")}


class Pipeline:
    """`annals up`, from its first line to ctrl-C."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        self._output = (data / "up.log").open("w")
        self._process = subprocess.Popen(
            [*ANNALS, "up", "--data", str(data), "--json", *options],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=self._output,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, (data / "up.log").read_text()
        self.addresses: dict[str, str] = json.loads(line)["addresses"]

    def pids(self, role: str) -> list[int]:
        """The present processes of a role."""
        state = json.loads((self.data / "run" / "state.json").read_text())
        return list(state["processes"][role])

    def kill(self, role: str) -> None:
        """As a crash would, at once; nobody is told."""
        for pid in self.pids(role):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> float:
        """Ctrl-C; returns the seconds until everything was gone."""
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(30)
        self._output.close()
        return time.monotonic() - began
