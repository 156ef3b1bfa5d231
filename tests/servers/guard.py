"""Clearing up after a test run that was itself killed."""

import shlex
import subprocess
import sys
from collections.abc import Sequence

CLOSE_LIMIT_S = 60.0

# It sees its standard input close when the test run is gone, however that ended, and runs what it was told last.
_PROGRAM = "import subprocess, sys; told = sys.stdin.readlines(); subprocess.run(told[-1], shell=True, check=False)"


class Guard:
    """A process of its own session, so that no signal meant for the test run reaches it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def tell(self, *commands: Sequence[str]) -> None:
        """What to run once we are gone, instead of what was told before."""
        assert self._process.stdin is not None
        self._process.stdin.write("; ".join(shlex.join(command) for command in commands) + "\n")
        self._process.stdin.flush()

    def close(self) -> None:
        """Let it run what it was told last, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(CLOSE_LIMIT_S)
