"""The event store's parts on a fresh database, as a worker opens them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from eventstore.commands import Commands
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import PostgresPool, open_pool
from eventstore.reader import EventReader
from eventstore.receipts import InboxReceipts
from eventstore.texts import TextStore
from services.storage.intake import Intake

LIMIT = 20_000
"""Bytes; the intake's limit in these tests."""


@pytest.fixture
def log(dsn: str) -> Iterator[EventLog]:
    """The event log."""
    with EventLog.connect(dsn) as opened:
        yield opened


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    """The process's pool."""
    opened = await open_pool(dsn)
    yield opened
    await opened.close()


@pytest.fixture
def reader(pool: PostgresPool) -> EventReader:
    """Reads events back."""
    return EventReader(pool)


@pytest.fixture
def commands(log: EventLog, reader: EventReader) -> Iterator[Commands]:
    """The only writer of the log."""
    opened = Commands(log, reader)
    yield opened
    opened.close()


@pytest.fixture
def texts(pool: PostgresPool) -> TextStore:
    """Texts of documents."""
    return TextStore(pool)


@pytest.fixture
def intake(commands: Commands, texts: TextStore, pool: PostgresPool) -> Intake:
    """The one way in."""
    return Intake(commands, texts, InboxReceipts(pool, PUBLIC_IDS), max_document_bytes=LIMIT)
