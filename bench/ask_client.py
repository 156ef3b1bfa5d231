"""Processor time of a cold `annals ask` beside a pipeline that is up, and of Python with httpx asking the same."""

import os
import statistics
import sys
from pathlib import Path

from annals.token_file import read_admin_token
from bench.processor_time import processor_s
from bench.served import serving
from bench.servers import Figures

TRIES = 15
REQUIRED_S = 0.5
QUESTION = "Who wrote the first program?"
DOCUMENT = {"id": "ada", "title": "Ada Lovelace", "text": "Ada Lovelace wrote the first program."}
BARE = """
import os, sys
import httpx
headers = {"authorization": "Bearer " + os.environ["TOKEN"]}
answer = httpx.post(sys.argv[1] + "/api/v1/reasoning/query", json={"query": sys.argv[2]}, headers=headers, timeout=60)
print(answer.raise_for_status().json()["answer"])
"""


async def measure(folder: Path) -> Figures:
    """Seconds of user and system time of the child process, at the median; the two by turns."""
    async with serving(folder) as (http, _, _):
        # No try of the command is the first question, which builds the index.
        (await http.post("/api/v1/documents", json=DOCUMENT, headers={"prefer": "wait=25"})).raise_for_status()
        (await http.post("/api/v1/reasoning/query", json={"query": QUESTION})).raise_for_status()
        command = [sys.executable, "-m", "annals", "ask", QUESTION, "--data", str(folder)]
        bare = [sys.executable, "-c", BARE, str(http.base_url).rstrip("/"), QUESTION]
        environment = os.environ | {"TOKEN": read_admin_token(folder) or ""}
        spent: list[float] = []
        peer: list[float] = []
        # The first of each reads its files into the page cache.
        for number in range(TRIES + 1):
            for what, found in ((command, spent), (bare, peer)):
                seconds, said = processor_s(what, environment)
                if DOCUMENT["title"] not in said:
                    raise RuntimeError(f"{what[:4]} said {said!r}")
                if number:
                    found.append(seconds)
    ours, bare_s = statistics.median(spent), statistics.median(peer)
    return {
        "of": "processor time of a cold `annals ask` beside a running `annals up` to that of Python with httpx",
        "ratio": round(ours / bare_s, 2),
        "processor_s": round(ours, 3),
        "required_s": REQUIRED_S,
        "reached": ours <= REQUIRED_S,
        "seconds": {"ask_most": round(max(spent), 3), "httpx": round(bare_s, 3)},
    }
