"""What runs on this machine for a data folder: found by its mark, not by asking Annals."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def of_folder(data: Path) -> list[str]:
    """Command lines of all processes that name the data folder in arguments or environment, or log into it."""
    return [
        line for process in Path("/proc").iterdir() if process.name.isdigit() for line in _if_of(process, str(data))
    ]


def _if_of(process: Path, data: str) -> list[str]:
    if int(process.name) == os.getpid():
        return []
    try:
        command = (process / "cmdline").read_bytes()
        files = b"".join(bytes((process / "fd" / number).readlink()) for number in ("1", "2"))
        known = command + (process / "environ").read_bytes() + files
        return [command.replace(b"\0", b" ").decode(errors="replace")] if data.encode() in known else []
    except OSError:
        return []


def until(true: Callable[[], bool], limit_s: float = 30.0) -> bool:
    """Wait for something; returns whether it came true within the limit."""
    end = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
