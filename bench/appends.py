"""Appending through the event store, beside COPY of the very same rows into a like table."""

import statistics
from collections.abc import Sequence
from pathlib import Path

from aggregates.document import Document
from annals.composition.stores import Stores
from bench.corpus import passages
from bench.history import History, histories, in_batches
from bench.servers import Figures, Stopwatch, ratio, running
from contracts.envelope import DomainEvent
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.pool import PostgresPool

DOCUMENTS = 200
SINGLE = 200
ROUNDS = 3
COLUMNS = (
    "originator_id", "originator_version", "topic", "state", "notification_id", "event_id", "tenant", "aggregate_id",
    "correlation_id", "recorded_at", "follows", "hash",
)  # fmt: skip


async def measure(folder: Path) -> Figures:
    """Events a second, in transactions of 100 events and of one; COPY in the same transactions, and all at once."""
    async with running(folder) as (services, _):
        rounds = [await _round(services, number) for number in range(ROUNDS)]
    batches, same, whole, single, copied_single = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {
        "of": "events a second appended, beside COPY of the same rows",
        "ratio": ratio(batches, same),
        "ratio_single": ratio(single, copied_single),
        "ratio_copy_in_one_piece": ratio(batches, whole),
        "required": None,
        "events_per_s": {
            "batches_of_100": round(batches),
            "copy_batches_of_100": round(same),
            "copy_in_one_piece": round(whole),
            "single": round(single),
            "copy_single": round(copied_single),
        },
    }


async def _round(services: Stores, number: int) -> tuple[float, float, float, float, float]:
    made = histories(passages(DOCUMENTS, seed=100 + number))
    alone = histories(passages(SINGLE, seed=200 + number))
    batches = list(in_batches(made))
    events = sum(map(len, batches))
    behind = await services.reader.head()
    appended = events / await append(services, batches)
    rows = await _rows(services.pool, behind)
    single_behind = await services.reader.head()
    appended_single = SINGLE / await append(services, _one_by_one(alone))
    single_rows = await _rows(services.pool, single_behind)
    return (
        appended,
        events / await _copy(services.pool, _cut(rows, 100)),
        events / await _copy(services.pool, [rows]),
        appended_single,
        SINGLE / await _copy(services.pool, _cut(single_rows, 1)),
    )


def _one_by_one(made: Sequence[History]) -> list[list[DomainEvent]]:
    return [[one.events[0]] for one in made]


async def append(services: Stores, batches: Sequence[Sequence[DomainEvent]], appender: Commands | None = None) -> float:
    """Seconds. As a stage does it: the state is known, the decision is made, all of a batch in one transaction."""
    commands = [[_command(event) for event in batch] for batch in batches]
    watch = Stopwatch()
    for batch in commands:
        await (appender or services.commands).execute_many(batch)
    return watch.seconds


def _command(event: DomainEvent) -> Command:
    key = AggregateKey.of(event)
    return Command(key, Document.project, lambda _: (event,), state=None)


async def _rows(pool: PostgresPool, behind: int) -> list[tuple[object, ...]]:
    query = f"SELECT {', '.join(COLUMNS)} FROM annals.stored_events WHERE notification_id > $1 ORDER BY notification_id"
    async with pool.acquire() as connection:
        found = await connection.fetch(query, behind)
    return [tuple(row) for row in found]


def _cut(rows: list[tuple[object, ...]], size: int) -> list[list[tuple[object, ...]]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


async def _copy(pool: PostgresPool, batches: Sequence[Sequence[tuple[object, ...]]]) -> float:
    """Seconds. Into a table with the log's columns and indexes that holds as many rows as the log itself."""
    async with pool.acquire() as connection:
        await connection.execute(
            "DROP TABLE IF EXISTS annals.copied; "
            "CREATE TABLE annals.copied (LIKE annals.stored_events INCLUDING ALL EXCLUDING IDENTITY)"
        )
        watch = Stopwatch()
        for batch in batches:
            await connection.copy_records_to_table("copied", schema_name="annals", columns=COLUMNS, records=batch)
        return watch.seconds
