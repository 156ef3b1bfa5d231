"""A whole event store to an archive, and back into an empty one."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, NamedTuple

import asyncpg

from contracts.batches import batches
from contracts.errors import AnnalsError
from eventstore import log_secret
from eventstore.archive import PIECE_BYTES, ArchiveReader, ArchiveWriter, Counts, OriginalLine
from eventstore.archive_keys import KeysReader, KeysWriter, opened_keys
from eventstore.data_keys import is_empty
from eventstore.key_management import associated_data
from eventstore.pool import Connection, PostgresPool, acquire, transaction
from security.errors import MasterKeyError
from security.master_key import MasterKey, WrappedKey

BATCH_ROWS = 1000
LONG_S = 3600.0
"""For the few statements that look at a whole table."""

Report = Callable[[int], None]
Write = Callable[..., None]


class NotEmptyError(AnnalsError):
    """The event store holds something already; import into an empty one."""


class _Table(NamedTuple):
    """`order` is total; `size` is the SQL of a row's bytes, as far as they can be many; `which` rows are taken."""

    name: str
    columns: tuple[str, ...]
    order: str
    size: str
    which: str = "true"


TEXTS = _Table(
    "texts",
    ("tenant", "document_id", "digest", "content", "key_id"),
    "tenant, document_id, digest",
    "octet_length(content)",
)
OUTPUTS = _Table("model_outputs", ("model", "digest", "output", "sealed"), "model, digest", "octet_length(output)")
RECEIPTS = _Table(
    "inbox_receipts",
    ("tenant", "document_id", "event_id", "outcome", "received_at"),
    "event_id, tenant, document_id",
    "0",
)
# Those that sign or seal anything else stay with their log.
KEYS = _Table(
    "data_keys",
    ("key_id", "tenant", "subject", "master", "wrapped"),
    # As the ids of both files are compared when they are read.
    'key_id COLLATE "C"',
    "0",
    "subject LIKE 'stream/%'",
)
KEYS_STORED = (*KEYS.columns, "retired_at", "destroyed_at")
DOCUMENTS = _Table(
    "document_collections", ("originator_id", "tenant", "document_id", "collection", "file"), "originator_id", "0"
)
QUESTIONS = _Table("question_documents", ("originator_id", "tenant", "document_id"), "originator_id, document_id", "0")
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
PIECES = (
    "annals.originals CROSS JOIN LATERAL generate_series("
    f"0, greatest((octet_length(content) - 1) / {PIECE_BYTES}, 0)) AS piece"
)
"""A row for each piece of an original."""
LOCKED = ", ".join(f"annals.{table.name}" for table in (TEXTS, OUTPUTS, RECEIPTS, EVENTS)) + ", annals.originals"


async def count_lines(pool: PostgresPool) -> Counts:
    """How much there is to write. Raises StoreUnavailableError."""
    async with acquire(pool) as connection:
        return await _counts(connection)


async def dump(
    pool: PostgresPool,
    file: BinaryIO,
    *,
    outputs: bool,
    report: Report,
    keys: BinaryIO | None = None,
    master: MasterKey | None = None,
) -> Counts:
    """Write the event store as it is at this moment; appending goes on meanwhile. Returns what was written.

    `outputs`: model outputs too. `report` is told how many lines are written. `keys` gets what opens what is sealed,
    with `master`.

    Raises StoreUnavailableError, ArchiveError, MasterKeyError.
    """
    async with transaction(pool, isolation="repeatable_read", readonly=True) as connection:
        await connection.execute("SET LOCAL statement_timeout = 0")
        counts = await _counts(connection)
        if not outputs:
            counts = counts.model_copy(update={"outputs": 0})
        writer = ArchiveWriter(file, counts)
        opening = None if keys is None else KeysWriter(keys, counts.keys)
        parts: list[tuple[_Table, Write]] = [
            (TEXTS, writer.text),
            *([(OUTPUTS, writer.output)] if outputs else []),
            (RECEIPTS, writer.receipt),
            (KEYS, writer.key),
            (DOCUMENTS, writer.document),
            (QUESTIONS, writer.question),
            (EVENTS, writer.event),
        ]
        written = 0
        for table, write in parts:
            async for row in _rows(connection, table):
                if table is KEYS:
                    writer.key(row["key_id"], row["tenant"], row["subject"])
                    if opening is not None:
                        opening.key(row["key_id"], await _opened_key(row, master))
                else:
                    write(*row)
                written += 1
                if written % BATCH_ROWS == 0:
                    report(written)
        # One piece at a time: it is the size of thousands of other rows.
        async for row in connection.cursor(
            f"SELECT tenant, document_id, digest, piece, substring(content FROM piece * {PIECE_BYTES} + 1 "
            f"FOR {PIECE_BYTES}), key_id FROM {PIECES} ORDER BY tenant, document_id, digest, piece",
            prefetch=1,
        ):
            writer.original(*row)
            written += 1
            report(written)
        writer.end()
        if opening is not None:
            opening.end()
        report(written)
    return counts


async def restore(
    pool: PostgresPool,
    archive: ArchiveReader,
    report: Report,
    master: MasterKey | None = None,
    keys: KeysReader | None = None,
) -> Counts:
    """Take an archive in, with its ids, versions, positions and times: all of it in one transaction, or nothing.

    One transaction rather than one that goes on where it stopped: a half-filled log looks like a log, and the relay
    would publish it. `report` is told how many lines are taken in. `keys` opens what is sealed, and `master` wraps
    those. Raises MissingKeysError, ArchiveError, NotEmptyError, MasterKeyError, StoreUnavailableError.
    """
    taken = 0
    async with transaction(pool) as connection:
        await connection.execute("SET LOCAL statement_timeout = 0")
        # Whoever wants to append waits until this is done, and then finds its place behind it.
        await connection.execute(f"LOCK TABLE {LOCKED} IN EXCLUSIVE MODE")
        # An empty log has nothing that follows from its own secret; what is taken in follows from another one, or none.
        await log_secret.drop(connection)
        present = await _counts(connection)
        if present.all:
            raise NotEmptyError(
                f"it holds events: {present.events}, texts: {present.texts}, model outputs: {present.outputs}"
            )
        parts: tuple[tuple[str, tuple[str, ...], Iterator[Any]], ...] = (
            (TEXTS.name, TEXTS.columns, _texts(archive)),
            (OUTPUTS.name, OUTPUTS.columns, _outputs(archive)),
            (RECEIPTS.name, RECEIPTS.columns, _receipts(archive)),
            (KEYS.name, KEYS_STORED, opened_keys(archive, keys)),
            (DOCUMENTS.name, DOCUMENTS.columns, _documents(archive)),
            (QUESTIONS.name, QUESTIONS.columns, _questions(archive)),
            (EVENTS.name, STORED, _events(archive)),
        )
        if archive.header.counts.keys and master is not None and await is_empty(connection):
            await master.begin()
        for name, columns, rows in parts:
            for batch in batches(rows, _bytes_of, max_items=BATCH_ROWS):
                records = await _wrapped_keys(batch, master) if name == KEYS.name else batch
                await connection.copy_records_to_table(name, schema_name="annals", columns=columns, records=records)
                if name == KEYS.name:
                    for line in batch:
                        if line.subject == log_secret.SUBJECT and line.key is not None:
                            await log_secret.keep(connection, line.key_id, line.key)
                taken += len(batch)
                report(taken)
        # Behind the events: that a document was once deleted takes away what is kept of it by then.
        for line in archive.originals():
            await _add_piece(connection, line)
            taken += 1
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
    of_table = f"FROM annals.{table.name} WHERE {table.which} ORDER BY {table.order}"
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
        f"(SELECT count(*) FROM annals.data_keys WHERE {KEYS.which}) AS keys, "
        "(SELECT count(*) FROM annals.document_collections) AS documents, "
        "(SELECT count(*) FROM annals.question_documents) AS questions, "
        "(SELECT count(*) FROM annals.stored_events) AS events, "
        f"(SELECT count(*) FROM {PIECES}) AS originals",
        timeout=LONG_S,
    )
    return Counts(**row)


async def _add_piece(connection: Connection, line: OriginalLine) -> None:
    await connection.execute(
        "INSERT INTO annals.originals AS o (tenant, document_id, digest, content, key_id) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (tenant, document_id, digest) DO UPDATE SET content = o.content || excluded.content",
        line.tenant,
        line.document_id,
        bytes.fromhex(line.digest),
        line.content,
        line.key_id,
    )


def _texts(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.texts():
        yield line.tenant, line.document_id, bytes.fromhex(line.digest), line.content, line.key_id


def _outputs(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.outputs():
        yield line.model, bytes.fromhex(line.digest), line.output, line.sealed


def _receipts(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.receipts():
        yield line.tenant, line.document_id, line.event_id, line.outcome, line.received_at


def _documents(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.documents():
        yield line.originator_id, line.tenant, line.document_id, line.collection, line.file


def _questions(archive: ArchiveReader) -> Iterator[tuple[object, ...]]:
    for line in archive.questions():
        yield line.originator_id, line.tenant, line.document_id


async def _opened_key(row: asyncpg.Record, master: MasterKey | None) -> bytes | None:
    if row["wrapped"] is None:
        return None
    if master is None:
        raise MasterKeyError()
    associated = associated_data(row["key_id"], row["tenant"], row["subject"])
    return await master.unwrap(WrappedKey(row["master"], row["wrapped"]), associated)


async def _wrapped_keys(lines: Sequence[Any], master: MasterKey | None) -> list[tuple[object, ...]]:
    """They open what there is; what is appended is sealed with new ones. Those that were destroyed stay so."""
    there = [line for line in lines if line.key is not None]
    if there and master is None:
        raise MasterKeyError()
    asked = [(line.key, associated_data(line.key_id, line.tenant, line.subject)) for line in there]
    wrapped = iter(() if master is None else await master.wrap_many(asked))
    now = datetime.now(UTC)
    rows: list[tuple[object, ...]] = []
    for line in lines:
        one = None if line.key is None else next(wrapped)
        stored = (None, None, now, now) if one is None else (one.master, one.data, now, None)
        rows.append((line.key_id, line.tenant, line.subject, *stored))
    return rows


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


def _bytes_of(row: Any) -> int:
    return sum(len(value) for value in row if isinstance(value, bytes))
