"""Asking over ever more passages: a real set among renamed copies of itself, in the embedded profile.

The set is taken in once; its copies have other names, and vectors near to those of what they are copies of. What is
measured is what a question takes beside its embedding, what the asking process holds, and whether the set's own
questions still find their passages.
"""

import contextlib
import json
import os
import resource
import statistics
from collections.abc import Sequence
from pathlib import Path

import click
import psutil

from annals.composition.stores import Stores
from bench.sample import TENANT, KnownVectors, Sample
from bench.scale_data import load, sample_of
from bench.servers import Figures, Stopwatch, running, say
from reasoning.embedder import OneEmbedder
from reasoning.engine import Reasoner
from reasoning.evaluation import all_at, percentile, recall_at
from telemetry.collector import collect_rarely

SET = "BENCH_SET"
"""Variable of the environment with the folder of the set: `corpus.jsonl` and `questions.jsonl`."""
DATA = "BENCH_DATA"
"""The same with the folder that keeps what was taken in and loaded, for asking again; without it, nothing is kept."""
SIZES = (10_000, 100_000)
MILLION = (10_000, 1_000_000)
MOST_OF_FIRST = 2.0
MOST_MS = 150.0
MOST_RECALL_LOST = 0.02


async def measure(folder: Path) -> Figures:
    """At SIZES, in the order of minutes."""
    return await _measure(folder, SIZES)


async def measure_million(folder: Path) -> Figures:
    """At a million passages, which takes an hour and 25 GB."""
    return await _measure(folder, MILLION)


async def _measure(folder: Path, sizes: Sequence[int]) -> Figures:
    """The figures at each size, and what of them is to hold."""
    name = os.environ.get(SET)
    if not name:
        raise click.UsageError(f"{SET} must name a folder with corpus.jsonl and questions.jsonl")
    folder = Path(os.environ.get(DATA, folder))
    folder.mkdir(parents=True, exist_ok=True)
    sample = await sample_of(folder, Path(name))
    collect_rarely()
    found: dict[int, dict[str, float]] = {}
    for size in sizes:
        async with running(folder / str(size)) as (stores, _):
            await load(stores, folder, sample, size)
            found[size] = await _asked(stores, sample)
            say(f"  {size} passages: {json.dumps(found[size])}")
    first, last = found[sizes[0]], found[sizes[-1]]
    lost = max(first[name] - last[name] for name in ("recall_at_2", "recall_at_5", "all_in_5"))
    return {
        "of": f"milliseconds of an answer at {sizes[-1]} passages by those at {sizes[0]}, without its embedding (p50)",
        "ratio": round(last["p50_ms"] / first["p50_ms"], 3),
        "required_at_most": MOST_OF_FIRST,
        "reached": last["p50_ms"] <= min(MOST_OF_FIRST * first["p50_ms"], MOST_MS) and lost <= MOST_RECALL_LOST,
        "recall_lost": round(lost, 4),
        "at": {str(size): figures for size, figures in found.items()},
    }


async def _asked(stores: Stores, sample: Sample) -> dict[str, float]:
    reasoner = Reasoner(stores.read.graph, stores.read.passages, OneEmbedder(KnownVectors(sample)))
    milliseconds, processor, found = [], [], []
    server = 0.0
    # The first time is for the server to read what it needs.
    for round_ in range(2):
        server = _server_s()
        for question in sample.questions:
            watch, before = Stopwatch(), _processor_s()
            answer = await reasoner.ask(TENANT, question.text, 10)
            if round_ == 0:
                continue
            milliseconds.append(watch.seconds * 1000)
            processor.append((_processor_s() - before) * 1000)
            found.append((list(dict.fromkeys(source.document_id for source in answer.sources)), question.gold))
    return {
        "p50_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(percentile(milliseconds, 0.95), 1),
        "processor_p50_ms": round(statistics.median(processor), 1),
        "server_processor_ms": round((_server_s() - server) * 1000 / len(sample.questions), 1),
        "resident_mb": round(psutil.Process().memory_info().rss / 1e6),
        "recall_at_2": round(statistics.mean(recall_at(ranked, gold, 2) for ranked, gold in found), 4),
        "recall_at_5": round(statistics.mean(recall_at(ranked, gold, 5) for ranked, gold in found), 4),
        "all_in_5": round(statistics.mean(all_at(ranked, gold, 5) for ranked, gold in found), 4),
    }


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server_s() -> float:
    """Seconds of processor time of PostgreSQL's processes so far."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used += times.user + times.system
    return used
