"""What a measurement stands on: embedded servers and opened services over a folder of its own."""

import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from annals.composition.stores import Stores, open_read_models, open_stores
from annals.pipeline import pipeline
from annals.settings import load_settings

Figures = dict[str, object]


def say(text: str) -> None:
    """A line for whoever watches; stdout is for the result."""
    print(text, file=sys.stderr, flush=True)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far, wall clock."""
        return time.perf_counter() - self._began


def quantiles(found: Sequence[float], digits: int | None = None) -> dict[str, float]:
    """The median and the 95th percentile, of so many digits behind the point."""
    return {"p50": round(statistics.median(found), digits), "p95": round(statistics.quantiles(found, n=20)[-1], digits)}


@contextlib.asynccontextmanager
async def running(folder: Path, *, roles: tuple[str, ...] = ()) -> AsyncIterator[tuple[Stores, dict[str, str]]]:
    """PostgreSQL over `folder`, and for `roles` a broker and these processes, as `annals up` runs them.

    Yields opened services, read models included, and the addresses of the servers. Raises AnnalsError.
    """
    settings = load_settings(data=folder, log_level="ERROR")
    supervisor = pipeline(settings, roles=roles)
    await supervisor.start()
    try:
        addresses = supervisor.state.addresses
        async with open_stores(settings, addresses["postgres"]) as services:
            await open_read_models(services)
            yield services, dict(addresses)
    finally:
        await asyncio.shield(supervisor.stop())


def ratio(ours: float, peer: float) -> float:
    """How fast we are for each unit of the peer's speed, both as rates; more is better."""
    return round(ours / peer, 3)
