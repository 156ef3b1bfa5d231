"""Rebuilding each read model from the log, beside COPY of the rows it ends up with; and the memory that takes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from annals.composition.folding import fold_workers
from annals.composition.stores import Stores
from bench.corpus import passages
from bench.history import EVENTS_A_DOCUMENT, histories, keep
from bench.servers import Figures, Stopwatch, running, say
from projections.postgres.live import LivePostgresStore
from projections.projection import Projection
from projections.replay import replay

DOCUMENTS = 20_000
FIRST = DOCUMENTS // 10
"""Documents of the log when memory is measured for the first time."""
ROUNDS = 2
REQUIRED = 0.7
MOST_MEMORY = 1.1


async def measure(folder: Path) -> Figures:
    """Rows a second of a replay against rows a second of COPY; both end with the same rows and the same indexes."""
    async with running(folder) as (services, _):
        made = passages(DOCUMENTS)
        await keep(services, histories(made[:FIRST]))
        before = await asyncio.to_thread(_peak_mib, folder)
        for start in range(FIRST, DOCUMENTS, FIRST):
            await keep(services, histories(made[start : start + FIRST]))
        say("the log is filled")
        after = await asyncio.to_thread(_peak_mib, folder)
        together = await _measured(services, list(services.projections.values()))
        singly = {name: await _measured(services, [projection]) for name, projection in services.projections.items()}
    alone = {name: measured.ratio for name, measured in singly.items()}
    least, growth = min(alone.values()), round(after / before, 3)
    return {
        "of": "rows a second of a replay of one read model, beside COPY of the same rows, indexes built after; "
        "of the three the least",
        "ratio": least,
        "required": REQUIRED,
        "reached": least >= REQUIRED and growth <= MOST_MEMORY,
        "ratio_of_each_replayed_alone": alone,
        "ratio_of_all_in_one_pass": together.ratio,
        "events": DOCUMENTS * EVENTS_A_DOCUMENT,
        "rows": together.rows,
        "rows_per_s": {
            "replayed": round(together.rows / together.replayed),
            "copied": round(together.rows / together.copied),
        },
        "memory": {
            "of": "peak of a process that replays all, where the log is ten times as long",
            "ratio": growth,
            "at_most": MOST_MEMORY,
            "mib": [round(before), round(after)],
        },
    }


def _peak_mib(folder: Path) -> float:
    """Of `annals replay`, which ends with all read models at the end of the log. Raises RuntimeError where it fails."""
    command = [sys.executable, "-m", "annals", "replay", "all", "--keep", "0", "--data", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return usage.ru_maxrss / 1024


@dataclass(frozen=True)
class Measured:
    """Rows, seconds of a replay, seconds of COPY."""

    rows: int
    replayed: float
    copied: float

    @property
    def ratio(self) -> float:
        """Speed of the replay, COPY's being 1."""
        return round(self.copied / self.replayed, 3)


async def _measured(services: Stores, projections: Sequence[Projection]) -> Measured:
    """By turns, for machines drift. The read models are replayed in one pass and copied one after another."""
    replayed = copied = 0.0
    rows = 0
    for _ in range(ROUNDS):
        watch = Stopwatch()
        await replay(
            [(one.model, one.store) for one in projections],
            services.generations,
            services.reader,
            services.topics,
            lambda _: None,
            folding=fold_workers(services.settings, services.dsn),
        )
        replayed += watch.seconds
        rows = 0
        for one in projections:
            assert isinstance(one.store, LivePostgresStore)
            count, seconds = await _copy(one.store)
            rows += count
            copied += seconds
    return Measured(rows, replayed / ROUNDS, copied / ROUNDS)


async def _copy(live: LivePostgresStore) -> tuple[int, float]:
    """Rows and seconds: every table that follows from events, the derived ones included, then the indexes."""
    layout, peer = live.layout, live.beside("copied")
    count = 0
    async with live.pool.acquire() as connection:
        await connection.execute(f"DROP SCHEMA IF EXISTS {peer.schema} CASCADE")
        await peer.create(connection)
        await peer.make_room_as(connection, live.schema)
        seconds = 0.0
        for table in layout.compared:
            columns = [
                row["column_name"]
                for row in await connection.fetch(
                    "SELECT column_name FROM information_schema.columns "
                    "WHERE table_schema = $1 AND table_name = $2 AND is_generated = 'NEVER' ORDER BY ordinal_position",
                    layout.name,
                    table,
                )
            ]
            named = ", ".join(f'"{column}"' for column in columns)
            rows = [tuple(row) for row in await connection.fetch(f"SELECT {named} FROM {layout.name}.{table}")]
            watch = Stopwatch()
            await connection.copy_records_to_table(table, schema_name=peer.schema, columns=columns, records=rows)
            seconds += watch.seconds
            count += len(rows)
        watch = Stopwatch()
        await connection.execute("SET maintenance_work_mem = '512MB'")
        await peer.index(connection)
        seconds += watch.seconds
        await connection.execute(f"RESET maintenance_work_mem; DROP SCHEMA {peer.schema} CASCADE")
    return count, seconds
