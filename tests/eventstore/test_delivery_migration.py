"""A log of a version whose receipts named no tenant: what was taken in stays so, dead letters keep a consumer."""

import asyncio
from collections.abc import AsyncIterator
from importlib.resources import files
from uuid import UUID, uuid4

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore import migrations
from eventstore.dead_letters import DeadLetters
from eventstore.keys import AggregateKey
from eventstore.log import EventLog
from eventstore.log_ids import PUBLIC_IDS
from eventstore.mapper import DomainEventMapper
from eventstore.migrations import migrate, migrations_in
from eventstore.pool import PostgresPool, open_pool
from eventstore.receipts import Delivery, InboxReceipts
from tests.conftest import PostgresServer

STORED, SILENT = UUID(int=1), UUID(int=2)


@pytest.fixture
async def old(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database with the migrations before the one of deliveries."""
    dsn = postgres_server.dsn("old_deliveries")
    postgres_server.execute("CREATE DATABASE old_deliveries")
    before = [one for one in migrations_in(files("eventstore.migrations")) if one.name not in NEWER]
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "migrations_in", lambda _: before)
        patched.setattr(migrations, "chain_existing", nothing_to_chain)
        await migrate(dsn)
    yield dsn
    postgres_server.execute("DROP DATABASE old_deliveries WITH (FORCE)")


async def nothing_to_chain(_: object) -> None:
    """That version's log was no chain."""


def newer() -> set[str]:
    names = [one.name for one in migrations_in(files("eventstore.migrations"))]
    return set(names[names.index("deliveries") :])


NEWER = newer()


def ingested(event_id: UUID, tenant: str) -> DomainEvent:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    return documents.ingest(None, "d1", content, Cause(EventMetadata(tenant=tenant), "c", event_id=event_id))[0]


def append(dsn: str, event: DomainEvent) -> None:
    """As that version did, which had no function of ours for it."""
    with EventLog.connect(dsn) as log, log.datastore.get_connection() as connection:
        assert isinstance(log.mapper, DomainEventMapper)
        stored = log.mapper.to_stored_event(event)
        connection.execute(
            "INSERT INTO annals.stored_events (originator_id, originator_version, topic, state) "
            "VALUES (%s, %s, %s, %s)",
            (stored.originator_id, stored.originator_version, stored.topic, stored.state),
        )


async def fill(pool: PostgresPool) -> None:
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

    receipts = InboxReceipts(pool, PUBLIC_IDS)
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


async def test_dead_letters_are_given_to_the_tenant_of_their_event(old: str) -> None:
    """One that could not be decoded named its event in its headers alone, and its retry never came to an end."""
    event = ingested(STORED, "acme")
    await asyncio.to_thread(append, old, event)
    pool = await open_pool(old)
    await pool.executemany(
        'INSERT INTO annals.dead_letters (tenant, consumer, identity, topic, partition, "offset", headers, event_id, '
        "position, error, cause, status) VALUES ($1, $2, $3, $4, 0, 1, $5::jsonb, $6, $7, 'E', 'c', $8)",
        [
            ("acme", "graph", str(STORED), "annals.documents", "{}", STORED, 1, "open"),
            (None, "vector", "d/1/1", "annals.documents", f'{{"event_id": "{STORED}"}}', None, 1, "retrying"),
            (None, "inbox", "i/1/1", "annals.inbox", f'{{"event_id": "{STORED}"}}', None, 1, "retrying"),
        ],
    )
    await migrate(old)

    graph, vector, inbox = reversed(await DeadLetters(pool).newest(None, "open"))
    identity = f"{PUBLIC_IDS.stream(AggregateKey.of(event))}/{STORED}"
    for letter in (graph, vector):
        assert (letter.tenant, letter.aggregate_id, letter.event_id) == ("acme", "d1", str(STORED))
        assert letter.identity == identity
    assert (inbox.tenant, inbox.aggregate_id, inbox.event_id) == (None, None, None)
    await pool.close()


async def test_letters_of_before_get_ids_that_tell_nothing(old: str) -> None:
    pool = await open_pool(old)
    await fill(pool)
    await migrate(old)
    found = await DeadLetters(pool).newest(None, None)
    assert [one.number for one in found] == [2, 1]
    assert len({one.id for one in found}) == 2 and all(len(str(one.id)) == 12 for one in found)
    await pool.close()
