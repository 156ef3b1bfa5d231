"""A role's sign of life: a file that it touches, so that a health check needs nothing but `find`."""

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from contracts.errors import AnnalsError

FRESH_S = 60.0
"""A role whose file is older is not at work. The Dockerfile's health check says the same in minutes."""


class Heartbeat:
    """`run/ROLE-PID.beat` in the data folder, there from the first beat to a clean end."""

    def __init__(self, data: Path, role: str) -> None:
        """Clears away what killed processes of this role left. Raises AnnalsError."""
        folder = data / "run"
        self._file = folder / f"{role}-{os.getpid()}.beat"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for file in folder.glob(f"{role}-*.beat"):
                # In a container every process of ours has the same id.
                if file == self._file or not _is_fresh(file):
                    file.unlink(missing_ok=True)
        except OSError as error:
            raise AnnalsError(f"cannot write to the data folder: {error}; choose another by --data") from error

    def beat(self) -> None:
        """Say that this process is at work."""
        # A disk in trouble makes the file old, which is all that can be said of it here.
        with contextlib.suppress(OSError):
            self._file.touch()

    def end(self) -> None:
        """Say that it is not any more."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)


def silent(data: Path, processes: Mapping[str, Iterable[int]]) -> dict[str, list[int]]:
    """Those of these processes, ids by role, that were at work once and are not any more."""
    found = {
        role: [pid for pid in pids if (beat := data / "run" / f"{role}-{pid}.beat").exists() and not _is_fresh(beat)]
        for role, pids in processes.items()
    }
    return {role: pids for role, pids in found.items() if pids}


def _is_fresh(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime < FRESH_S
    except FileNotFoundError:
        return False
