"""`annals up` as a child of the test, and the command line beside it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from annals.cli import group
from tests.support.tiers import refuse_in_unit_tests

ANNALS = [sys.executable, "-m", "annals"]
ROOT = Path(__file__).parents[2]


def annals(
    data: Path, *arguments: str, check: bool = True, limit_s: float = 300, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end; `env` adds settings."""
    done = subprocess.run(
        [*ANNALS, *arguments, "--data", str(data)],
        cwd=ROOT,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"annals {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done


def annals_json(data: Path, *arguments: str, limit_s: float = 300, env: Mapping[str, str] | None = None) -> Any:
    """The one JSON object on stdout."""
    return json.loads(annals(data, *arguments, "--json", limit_s=limit_s, env=env).stdout)


def called(data: Path, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Result:
    """One command within this process, where libraries and models are loaded once for all of them."""
    without_settings = {name: None for name in os.environ if name.startswith("ANNALS_")}
    return CliRunner().invoke(
        group,
        [*arguments, "--data", str(data)],
        input=stdin,
        env={**without_settings, **(env or {})},
        catch_exceptions=False,
    )


def given(
    data: Path, *arguments: str, exit_code: int = 0, stdin: bytes = b"", env: Mapping[str, str] | None = None
) -> Any:
    """The one JSON object of a command that ends with this exit code."""
    done = called(data, *arguments, "--json", stdin=stdin, env=env)
    assert done.exit_code == exit_code, f"annals {' '.join(arguments)} ended with {done.exit_code}: {done.stderr}"
    return json.loads(done.stdout)


def refused(data: Path, *arguments: str, exit_code: int = 1, env: Mapping[str, str] | None = None) -> str:
    """The one line that says why a command cannot do as it is told."""
    done = called(data, *arguments, env=env)
    assert done.exit_code == exit_code, (done.exit_code, done.output)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


def start_role(role: str, data: Path, log: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """One role in production's way, where Faust makes a folder of its own: in `data`. It writes to `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [*ANNALS, "run", role, "--data", str(data)],
            cwd=data,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, without settings of whoever runs the tests, and with `more`.

    Gateways take free ports: of several pipelines that start at once, two could find the same one free otherwise.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ANNALS_")}
    return {**ours, "ANNALS_GATEWAY_PORT": "0", **(more or {})}


class Pipeline:
    """`annals up`, from its first line to ctrl-C."""

    def __init__(self, data: Path, *options: str, env: Mapping[str, str] | None = None) -> None:
        refuse_in_unit_tests("a pipeline")
        self.data = data
        self.env = dict(env or {})
        data.mkdir(parents=True, exist_ok=True)
        self._output = (data / "up.log").open("w")
        self._process = subprocess.Popen(
            [*ANNALS, "up", "--data", str(data), "--json", *options],
            cwd=ROOT,
            env=environment(env),
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

    def last_lines(self, role: str, lines: int = 30) -> str:
        """What the processes of a role, or `up`, logged last, for the message of a test that fails."""
        logs = sorted((self.data if role == "up" else self.data / "logs").glob(f"{role}*.log"))
        return "\n".join("\n".join([log.name, *log.read_text().splitlines()[-lines:]]) for log in logs)

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
