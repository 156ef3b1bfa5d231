"""What the chain of hashes costs: appending with it, beside appending into the same log without."""

import statistics
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from annals.composition.stores import Stores
from bench.appends import append
from bench.corpus import passages
from bench.history import histories, in_batches
from bench.processor import processor_s
from bench.servers import Figures, Stopwatch, ratio, running
from contracts.envelope import DomainEvent
from eventstore.migrations import migrations_in
from eventstore.pool import PostgresPool

DOCUMENTS = 400
SINGLE = 300
ROUNDS = 5
COLUMNS = ("recorded_at", "follows", "hash")


async def measure(folder: Path) -> Figures:
    """Processor time and seconds of appending without the chain, for each of those with it, rounds taking turns."""
    found: dict[bool, list[tuple[float, ...]]] = {True: [], False: []}
    async with running(folder) as (services, _):
        for number in range(2 * ROUNDS):
            chained = number % 2 == 0
            await _prepare(services.pool, chained=chained)
            found[chained].append(await _round(services, folder, number))
    with_it, without = (
        [statistics.median(column) for column in zip(*found[kind], strict=True)] for kind in (True, False)
    )
    return {
        "of": "appending without the chain of hashes, beside appending with it",
        "ratio": ratio(without[0], with_it[0]),
        "ratio_single": ratio(without[2], with_it[2]),
        "required": 0.9,
        "processor_ms_per_event": {"chained": round(1000 * with_it[0], 4), "bare": round(1000 * without[0], 4)},
        "processor_ms_single": {"chained": round(1000 * with_it[2], 4), "bare": round(1000 * without[2], 4)},
        "ms_per_event": {"chained": round(1000 * with_it[1], 4), "bare": round(1000 * without[1], 4)},
        "ms_single": {"chained": round(1000 * with_it[3], 4), "bare": round(1000 * without[3], 4)},
    }


async def _prepare(pool: PostgresPool, *, chained: bool) -> None:
    """An empty log with the chain, or as it was before there was one."""
    steps = {migration.name: migration.sql for migration in migrations_in(files("eventstore.migrations"))}
    step = steps["hash_chain"] if chained else steps["log"].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    name = "FUNCTION annals.describe_event()"
    body = step[step.index(f"CREATE OR REPLACE {name}") :]
    change = "SET" if chained else "DROP"
    async with pool.acquire() as connection:
        await connection.execute("TRUNCATE annals.stored_events")
        await connection.execute(body[: body.index("END $$;") + len("END $$;")])
        for column in COLUMNS:
            await connection.execute(f"ALTER TABLE annals.stored_events ALTER COLUMN {column} {change} NOT NULL")
        await connection.execute("CHECKPOINT")


async def _round(services: Stores, folder: Path, number: int) -> tuple[float, float, float, float]:
    """Processor seconds and seconds an event, in transactions of 100, then of one."""
    batches = list(in_batches(histories(passages(DOCUMENTS, seed=300 + number))))
    single = [[one.events[0]] for one in histories(passages(SINGLE, seed=400 + number))]
    return (*await _measured(services, folder, batches), *await _measured(services, folder, single))


async def _measured(services: Stores, folder: Path, batches: Sequence[Sequence[DomainEvent]]) -> tuple[float, float]:
    events = sum(map(len, batches))
    before, watch = time.process_time() + processor_s(folder)["postgres"], Stopwatch()
    await append(services, batches)
    seconds = watch.seconds
    return (time.process_time() + processor_s(folder)["postgres"] - before) / events, seconds / events
