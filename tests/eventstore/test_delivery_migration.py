"""A log of a version whose receipts named no tenant: what was taken in stays so, dead letters keep a consumer."""

import asyncio
from collections.abc import AsyncIterator
from importlib.resources import files
from uuid import UUID, uuid4

import asyncpg
import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore import migrations
from eventstore.log import EventLog
from eventstore.migrations import migrate, migrations_in
from eventstore.pool import open_pool
from eventstore.receipts import Delivery, InboxReceipts
from tests.conftest import PostgresServer, _execute

STORED, SILENT = UUID(int=1), UUID(int=2)


@pytest.fixture
async def old(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database with the migrations before the one of deliveries."""
    admin, dsn = postgres_server.dsn("postgres"), postgres_server.dsn("old_deliveries")
    await _execute(admin, "CREATE DATABASE old_deliveries")
    before = [one for one in migrations_in(files("eventstore.migrations")) if one.name not in NEWER]
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "migrations_in", lambda _: before)
        await migrate(dsn)
    yield dsn
    await _execute(admin, "DROP DATABASE old_deliveries WITH (FORCE)")


def newer() -> set[str]:
    names = [one.name for one in migrations_in(files("eventstore.migrations"))]
    return set(names[names.index("deliveries") :])


NEWER = newer()


def ingested(event_id: UUID, tenant: str) -> DomainEvent:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    return documents.ingest(None, "d1", content, Cause(EventMetadata(tenant=tenant), "c", event_id=event_id))[0]


def append(dsn: str, event: DomainEvent) -> None:
    with EventLog.connect(dsn) as log:
        log.append([event])


async def fill(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO annals.inbox_receipts (event_id, outcome) VALUES ($1, 'ingested'), ($2, 'unchanged')",
        STORED,
        SILENT,
    )
    await pool.execute(
        'INSERT INTO annals.dead_letters (consumer, identity, topic, partition, "offset", headers, error, cause) '
        "VALUES ('inbox', 'i', 'annals.inbox', 0, 1, '{}', 'E', 'c'), "
        "('graph', 'g', 'annals.documents', 0, 1, '{}', 'E', 'c')"
    )


async def test_a_filled_database_is_upgraded(old: str) -> None:
    await asyncio.to_thread(append, old, ingested(STORED, "acme"))
    pool = await open_pool(old)
    await fill(pool)
    assert await migrate(old) != []

    receipts = InboxReceipts(pool)
    assert await receipts.seen([Delivery("acme", "d1", STORED), Delivery("other", "d1", STORED)]) == {
        Delivery("acme", "d1", STORED)
    }
    # Whose it was cannot be told, so it stands for all.
    assert len(await receipts.seen([Delivery("acme", "d2", SILENT), Delivery("other", "d2", SILENT)])) == 2
    assert await receipts.seen([Delivery("acme", "d1", uuid4())]) == set()
    consumers = await pool.fetch("SELECT consumer FROM annals.dead_letters ORDER BY id")
    assert [row["consumer"] for row in consumers] == ["inbox:annals.inbox", "graph"]
    await asyncio.to_thread(append, old, ingested(STORED, "other"))
    await pool.close()
