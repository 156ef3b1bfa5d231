"""Processor time of a cold `annals ask` where nothing is up, and of importing and loading what it cannot do without."""

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.processor_time import processor_s
from bench.servers import Figures

TRIES = 9
REQUIRED_S = 1.5
EXAMPLES = Path(__file__).parents[1] / "examples"
QUESTION, ANSWER = "Where was the designer of Skerry Point Lighthouse born?", "Brennick"
BARE = """
import asyncpg, click, psycopg, psycopg_pool, pydantic_settings, rich.console
from inference.embedding import Embedder
print(Embedder().embed(["Where was she born?"]).shape)
"""


async def measure(folder: Path) -> Figures:
    """Seconds of user and system time of the command's own process, at the median; the two by turns.

    PostgreSQL and the process that starts it are not counted: they are children of nobody but themselves.
    """
    annals = [sys.executable, "-m", "annals"]
    # Modules are kept compiled, as in every installation; where, is this run's own business.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    articles = sorted(map(str, EXAMPLES.glob("*.md")))
    data = str(folder / "data")
    (folder / "data").mkdir(parents=True)
    subprocess.run(  # noqa: ASYNC221  # nothing else runs
        [*annals, "ingest", *articles, "--wait", "--data", data],
        env=environment, check=True, capture_output=True,
    )  # fmt: skip
    spent: list[float] = []
    peer: list[float] = []
    # The first of each compiles its modules, and reads its files into the page cache.
    for number in range(TRIES + 1):
        # Asked with another word each time: a sure answer that is kept would be read and not worked out.
        ours = _spent([*annals, "ask", f"{QUESTION[:-1]}{'?' * (number + 1)}", "--data", data], environment, ANSWER)
        bare = _spent([sys.executable, "-c", BARE], environment, "384")
        if number:
            spent.append(ours)
            peer.append(bare)
    ours, bare = statistics.median(spent), statistics.median(peer)
    return {
        "of": "processor time of a cold `annals ask` without `annals up` to that of its imports and its model alone",
        "ratio": round(ours / bare, 2),
        "processor_s": round(ours, 3),
        "required_s": REQUIRED_S,
        "reached": ours <= REQUIRED_S,
        "seconds": {"ask_most": round(max(spent), 3), "imports_and_model": round(bare, 3)},
    }


def _spent(command: Sequence[str], environment: Mapping[str, str], expected: str) -> float:
    seconds, said = processor_s(command, environment)
    if expected not in said:
        raise RuntimeError(f"{command[:4]} said {said!r}")
    return seconds
