"""The log to three read models through relay, broker and Faust, beside a Faust agent that only counts."""

import asyncio
import json
import sys
from pathlib import Path

from annals.composition.stores import Stores
from bench.corpus import passages
from bench.history import EVENTS_A_DOCUMENT, histories, keep
from bench.servers import Figures, Stopwatch, ratio, running
from contracts.event_types import EventType
from services.operations.progress import READ_MODELS

DOCUMENTS = 1000
POLL_S = 0.1
LIMIT_S = 120.0


async def measure(folder: Path) -> Figures:
    """Events a second, all three read models together, against records a second of the counter."""
    events = DOCUMENTS * EVENTS_A_DOCUMENT
    async with running(folder) as (services, _):
        await keep(services, histories(passages(DOCUMENTS)))
    async with running(folder, roles=("relay", "projector")) as (services, addresses):
        projected = await _followed(services, events)
        topic = services.topics.of(EventType.DOCUMENT_INGESTED).name
        counted = await _counted(addresses["broker"], topic, events, folder / "counted.json")
    return {
        "of": "events a second from the log to all read models, beside a Faust agent that counts the same records",
        "ratio": ratio(projected, counted),
        "required": None,
        "events_per_s": {"projected": round(projected), "counted": round(counted)},
    }


async def _followed(services: Stores, events: int) -> float:
    """Events a second that the slowest read model takes in, from the first sight of one until it has all."""
    watch = Stopwatch()
    first: tuple[float, int] | None = None
    while True:
        done = await _least(services)
        if first is None and done > 0:
            first = (watch.seconds, done)
        if first is not None and done == events:
            return (events - first[1]) / (watch.seconds - first[0])
        if watch.seconds > LIMIT_S:
            raise TimeoutError(f"only {done} of {events} events are in every read model after {LIMIT_S:.0f} s")
        await asyncio.sleep(POLL_S)


async def _least(services: Stores) -> int:
    """Events that are in every read model."""
    # A document's version counts its events.
    sums = ", ".join(f"(SELECT coalesce(sum(version), 0) FROM {name}.versions)" for name in READ_MODELS)
    async with services.pool.acquire() as connection:
        return int(await connection.fetchval(f"SELECT least({sums})"))


async def _counted(broker: str, topic: str, events: int, result: Path) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.counter", broker, topic, str(events), str(result)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    counted = json.loads(await asyncio.to_thread(result.read_text))
    return float(counted["records"]) / float(counted["seconds"])
