"""Processor time of everything that runs over a data folder, by role; the parser, a child of the worker, by itself."""

import json
from collections import defaultdict
from pathlib import Path

import psutil

PARSER = "parser"


def processor_s(data: Path) -> dict[str, float]:
    """Seconds so far of the processes that run now, and of their children."""
    state = json.loads((data / "run" / "state.json").read_text("utf-8"))
    found: dict[str, float] = defaultdict(float)
    for role, pids in state["processes"].items():
        for process in map(psutil.Process, pids):
            found[role] += _own(process)
            for child in process.children(recursive=True):
                found[PARSER if role == "worker" else role] += _own(child)
    return found


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # a connection's process of PostgreSQL that has just ended
        return 0.0
    return times.user + times.system
