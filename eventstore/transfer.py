"""A whole event store to an archive, and back into an empty one."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

import asyncpg

from contracts.batches import batches
from contracts.errors import AnnalsError
from eventstore.archive import ArchiveReader, ArchiveWriter, Counts
from eventstore.pool import Connection, PostgresPool, acquire, transaction

BATCH_ROWS = 1000
LONG_S = 3600.0
"""For the few statements that look at a whole table."""

Report = Callable[[int], None]
Write = Callable[..., None]


class NotEmptyError(AnnalsError):
    """The event store holds something already; import into an empty one."""


class _Table(NamedTuple):
    """`order` is total; `size` is the SQL of a row's bytes, as far as they can be many."""

    name: str
    columns: tuple[str, ...]
    order: str
    size: str


TEXTS = _Table(
    "texts", ("tenant", "document_id", "digest", "content"), "tenant, document_id, digest", "octet_length(content)"
)
OUTPUTS = _Table("model_outputs", ("model", "digest", "output"), "model, digest", "octet_length(output)")
RECEIPTS = _Table(
    "inbox_receipts",
    ("tenant", "document_id", "event_id", "outcome", "received_at"),
    "event_id, tenant, document_id",
    "0",
)
EVENTS = _Table(
    "stored_events",
    ("notification_id", "state", "recorded_at", "follows", "hash"),
    "notification_id",
    "octet_length(state)",
)
STORED = (
    *("originator_id", "originator_version", "topic", "state", "notification_id"),
    *("recorded_at", "follows", "hash"),
)
LOCKED = ", ".join(f"annals.{table.name}" for table in (TEXTS, OUTPUTS, RECEIPTS, EVENTS))


async def count_lines(pool: PostgresPool) -> Counts:
    """How much there is to write. Raises StoreUnavailableError."""
    async with acquire(pool) as connection:
        return await _counts(connection)


async def dump(pool: PostgresPool, file: BinaryIO, *, outputs: bool, report: Report) -> Counts:
    """Write the event store as it is at this moment; appending goes on meanwhile. Returns what was written.

    `outputs`: model outputs too. `report` is told how many lines are written.

    Raises StoreUnavailableError, ArchiveError.
    """
    async with transaction(pool, isolation="repeatable_read", readonly=True) as connection:
        await connection.execute("SET LOCAL statement_timeout = 0")
        counts = await _counts(connection)
        if not outputs:
            counts = counts.model_copy(update={"outputs": 0})
        writer = ArchiveWriter(file, counts)
        parts: list[tuple[_Table, Write]] = [
            (TEXTS, writer.text),
            *([(OUTPUTS, writer.output)] if outputs else []),
            (RECEIPTS, writer.receipt),
            (EVENTS, writer.event),
        ]
        written = 0
        for table, write in parts:
            async for row in _rows(connection, table):
                write(*row)
                written += 1
                if written % BATCH_ROWS == 0:
                    report(written)
        writer.end()
        report(written)
    return counts


async def restore(pool: PostgresPool, archive: ArchiveReader, report: Report) -> Counts:
    """Take an archive in, with its ids, versions, positions and times: all of it in one transaction, or nothing.

    One transaction rather than one that goes on where it stopped: a half-filled log looks like a log, and the relay
    would publish it. `report` is told how many lines are taken in. Raises ArchiveError, NotEmptyError,
    StoreUnavailableError.
    """
    taken = 0
    async with transaction(pool) as connection:
        await connection.execute("SET LOCAL statement_timeout = 0")
        # Whoever wants to append waits until this is done, and then finds its place behind it.
        await connection.execute(f"LOCK TABLE {LOCKED} IN EXCLUSIVE MODE")
        present = await _counts(connection)
        if present.all:
            raise NotEmptyError(
                f"it holds events: {present.events}, texts: {present.texts}, model outputs: {present.outputs}"
            )
        parts = (
            (TEXTS.name, TEXTS.columns, _texts(archive)),
            (OUTPUTS.name, OUTPUTS.columns, _outputs(archive)),
            (RECEIPTS.name, RECEIPTS.columns, _receipts(archive)),
            (EVENTS.name, STORED, _events(archive)),
        )
        for name, columns, rows in parts:
            for batch in batches(rows, _bytes_of, max_items=BATCH_ROWS):
                await connection.copy_records_to_table(name, schema_name="annals", columns=columns, records=batch)
                taken += len(batch)
                report(taken)
        archive.end()
        # Archives of format 1 do not say whose deliveries they were; those that led to an event can be told.
        await connection.execute(
            "UPDATE annals.inbox_receipts AS r SET tenant = e.tenant, document_id = e.aggregate_id "
            "FROM annals.stored_events AS e WHERE r.tenant IS NULL AND e.event_id = r.event_id",
            timeout=LONG_S,
        )
        await connection.execute(
            "SELECT setval(pg_get_serial_sequence('annals.stored_events', 'notification_id'), max(notification_id)) "
            "FROM annals.stored_events HAVING count(*) > 0"
        )
        await connection.execute(f"ANALYZE {LOCKED}", timeout=LONG_S)
    return archive.header.counts


async def _rows(connection: Connection, table: _Table) -> AsyncIterator[asyncpg.Record]:
    """All rows in order. Sizes are read ahead of them, so that what is fetched at once is bounded in bytes."""
    of_table = f"FROM annals.{table.name} ORDER BY {table.order}"
    sizes = await connection.cursor(f"SELECT {table.size} AS bytes {of_table}")
    rows = await connection.cursor(f"SELECT {', '.join(table.columns)} {of_table}")
    while next_sizes := await sizes.fetch(BATCH_ROWS):
        for batch in batches(next_sizes, lambda row: int(row["bytes"])):
            for row in await rows.fetch(len(batch)):
                yield row


async def _counts(connection: Any) -> Counts:
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM annals.texts) AS texts, "
        "(SELECT count(*) FROM annals.model_outputs) AS outputs, "
        "(SELECT count(*) FROM annals.inbox_receipts) AS receipts, "
        "(SELECT count(*) FROM annals.stored_events) AS events",
        timeout=LONG_S,
    )
    return Counts(**row)


def _texts(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.texts():
        yield line.tenant, line.document_id, bytes.fromhex(line.digest), line.text.encode()


def _outputs(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.outputs():
        yield line.model, bytes.fromhex(line.digest), line.output


def _receipts(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.receipts():
        yield line.tenant, line.document_id, line.event_id, line.outcome, line.received_at


def _events(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    """Where the archive does not say when an event was recorded, its own time says it: none lies before the one in
    front of it, nor later than now. The database chains it then."""
    now = datetime.now(UTC)
    recorded_at = datetime.min.replace(tzinfo=UTC)
    for line in archive.events():
        own = (line.originator_id, line.version, line.event_type, line.state, line.position)
        if line.link is not None:
            yield *own, line.link.recorded_at, line.link.follows, bytes.fromhex(line.link.hash)
        else:
            recorded_at = max(recorded_at, min(line.timestamp, now))
            yield *own, recorded_at, None, None


def _bytes_of(row: Sequence[object]) -> int:
    return sum(len(value) for value in row if isinstance(value, bytes))
