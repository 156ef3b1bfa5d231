"""What runs on this machine for a data folder: found by its mark, not by asking Annals."""

import os
import re
import subprocess
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


def beats(data: Path) -> dict[str, Path]:
    """The file of each role that gives signs of life."""
    return {file.name.split("-")[0]: file for file in (data / "run").glob("*.beat")}


def healthy(data: Path) -> bool:
    """What the image's health check says, run as Docker runs it."""
    dockerfile = Path(__file__).parents[2].joinpath("Dockerfile").read_text("utf-8")
    (command,) = re.findall(r"^HEALTHCHECK .*?\bCMD (.+)$", dockerfile, re.MULTILINE)
    environment = {"PATH": os.environ["PATH"], "ANNALS_DATA": str(data)}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, timeout=20, check=False)
    return done.returncode == 0


def until(true: Callable[[], bool], limit_s: float = 30.0) -> bool:
    """Wait for something; returns whether it came true within the limit.

    Half of the time at least is left to those who are waited for: on two cores a look at them may be what delays them.
    """
    end = time.monotonic() + limit_s
    while True:
        began = time.monotonic()
        if true():
            return True
        now = time.monotonic()
        if now > end:
            return False
        time.sleep(min(1.0, max(0.05, now - began)))
