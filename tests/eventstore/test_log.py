"""The log: append, read back by aggregate, position and correlation; conflicts and duplicates told apart."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts import limits
from contracts.brief_event import BriefEvent
from contracts.codec import encode
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.limits import MAX_EVENT_BYTES
from eventstore import whole_aggregates
from eventstore.commands import Command, Commands
from eventstore.errors import DuplicateEventError, EventTooLargeError, StoreUnavailableError, VersionConflictError
from eventstore.keys import AggregateKey
from eventstore.log import RECONNECT_LIMIT_S, EventLog
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from tests.conftest import PostgresServer

SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
"""What a client of PostgreSQL asks first that wants TLS."""


@pytest.fixture
def log(dsn: str) -> Iterator[EventLog]:
    with EventLog.connect(dsn) as opened:
        yield opened


def content(text: str) -> DocumentContent:
    return DocumentContent(title="t", text=TextReference(digest=text * 64, characters=1, bytes=1))


def cause(event_id: UUID | None = None, tenant: str = "default") -> Cause:
    return Cause(metadata=EventMetadata(tenant=tenant), correlation_id="c1", event_id=event_id)


def ingested(
    document_id: str, text: str = "a", state: Document | None = None, event_id: UUID | None = None
) -> DomainEvent:
    return documents.ingest(state, document_id, content(text), cause(event_id))[0]


def test_a_server_that_was_away_for_long_is_had_again_soon(postgres_server: PostgresServer, log: EventLog) -> None:
    log.ping(5)
    postgres_server.kill()
    try:
        with pytest.raises(StoreUnavailableError, match="PostgreSQL does not answer"):
            log.ping(8)
    finally:
        postgres_server.start()
    log.ping(2 * RECONNECT_LIMIT_S)


async def test_what_was_appended_comes_back(log: EventLog, pool: PostgresPool) -> None:
    first, second = log.append([ingested("d1"), ingested("d2")])
    reader = EventReader(pool)

    assert second.position is not None and first.position is not None and second.position > first.position
    assert await reader.after(0, 10) == [first, second]
    assert await reader.of_aggregate("default", "document", "d2") == [second]
    assert await reader.by_correlation("default", "c1") == [first, second]
    assert await reader.by_correlation("other", "c1") == []
    assert await reader.head() == second.position
    assert await reader.seen.count_by_type("default") == {"DocumentIngested": 2}
    assert [group async for group in reader.whole.read(["document"], up_to=first.position)] == [
        [[BriefEvent.of(first)]]
    ]


def test_a_version_is_given_once(log: EventLog) -> None:
    log.append([ingested("d1")])
    with pytest.raises(VersionConflictError):
        log.append([ingested("d2"), ingested("d1")])
    # All or nothing.
    log.append([ingested("d2")])


def test_an_event_id_is_stored_once_in_an_aggregate(log: EventLog) -> None:
    event_id = uuid4()
    first = log.append([ingested("d1", event_id=event_id)])
    with pytest.raises(DuplicateEventError):
        log.append([ingested("d1", "b", Document.project(first), event_id=event_id)])
    log.append([ingested("d2", event_id=event_id)])


async def test_a_command_decides_again_when_somebody_was_faster(log: EventLog, pool: PostgresPool) -> None:
    commands = Commands(log, EventReader(pool))
    key = AggregateKey("default", "document", "d1")

    def command(text: str) -> Command:
        return Command(key, Document.project, lambda state: documents.ingest(state, "d1", content(text), cause()))

    results = await asyncio.gather(*(commands.execute(command(text)) for text in "abcdef"))

    versions = sorted(event.aggregate_version for events in results for event in events)
    assert versions == [1, 2, 3, 4, 5, 6]
    commands.close()


async def test_readers_see_no_gap_while_many_append(log: EventLog, pool: PostgresPool) -> None:
    """A reader that has seen a position never finds a lower one later."""
    reader, done, seen = EventReader(pool), asyncio.Event(), []

    async def follow() -> None:
        position = 0
        while not done.is_set() or await reader.after(position, 1):
            for event in await reader.after(position, 1000):
                assert event.position is not None
                seen.append(event.position)
                position = event.position

    follower = asyncio.create_task(follow())
    await asyncio.gather(
        *(
            asyncio.to_thread(log.append, [ingested(f"{writer}-{turn}-{n}") for n in range(5)])
            for writer in range(8)
            for turn in range(10)
        )
    )
    done.set()
    await asyncio.wait_for(follower, 30)
    assert len(seen) == 400


async def test_its_connections_take_the_whole_dsn(dsn: str, pool: PostgresPool) -> None:
    with EventLog.connect(f"{dsn}&application_name=the-log&options=-c%20statement_timeout%3D12345") as log:
        log.append([ingested("d1")])
        with log.datastore.get_connection() as connection:
            assert connection.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "12345ms"}
        assert await pool.fetchval("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'the-log'") > 0


def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says that it has no TLS; with `sslmode=verify-full` nothing but that question may reach it."""
    monkeypatch.setattr("eventstore.log.ACQUIRE_LIMIT_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as threads:
        heard = threads.submit(_without_tls, server)
        port = server.getsockname()[1]
        with pytest.raises(StoreUnavailableError, match="PostgreSQL does not answer"):
            EventLog.connect(f"postgresql://annals:secret@127.0.0.1:{port}/annals?sslmode=verify-full")
        assert heard.result(10) == (SSL_REQUEST, b"")


def _without_tls(server: socket.socket) -> tuple[bytes, bytes]:
    """What the first client asks, and what it says when it hears that there is no TLS."""
    server.settimeout(10)
    client, _ = server.accept()
    server.close()  # who tries again is refused at once
    with client:
        client.settimeout(10)
        asked = client.recv(1024)
        client.sendall(b"N")
        return asked, client.recv(1024)


def test_a_connection_is_waited_for_as_long_as_for_others(log: EventLog) -> None:
    assert log.datastore.pool.timeout == 30
    assert log.datastore.pool.max_size == 4
    with contextlib.ExitStack() as busy:
        for _ in range(4):
            busy.enter_context(log.datastore.get_connection())
        with pytest.raises(StoreUnavailableError, match="PostgreSQL"):
            log.ping(0.2)
    log.ping(5)


def large(document_id: str, size: int) -> DomainEvent:
    """An event of about `size` bytes."""
    content = DocumentContent(
        title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1), attributes={"a": "x" * size}
    )
    return documents.ingest(None, document_id, content, cause())[0]


async def test_an_event_that_is_too_large_is_refused_and_nothing_with_it_is_stored(
    log: EventLog, pool: PostgresPool
) -> None:
    fits = large("fits", MAX_EVENT_BYTES - len(encode(large("fits", 0))))
    assert len(encode(fits)) == MAX_EVENT_BYTES
    too_large = large("more", MAX_EVENT_BYTES + 1 - len(encode(large("more", 0))))
    fault = (
        "DocumentIngested of document more takes 1,044,481 bytes and the limit is 1,044,480; nothing was stored: "
        "send less, or in several pieces"
    )
    with pytest.raises(EventTooLargeError, match=re.escape(fault)):
        log.append([ingested("d1"), too_large])
    assert await EventReader(pool).head() == 0
    (stored,) = log.append([fits])
    assert await EventReader(pool).after(0, 10) == [stored]


async def test_many_large_events_are_appended_in_one_transaction_with_positions_in_order(
    log: EventLog, pool: PostgresPool
) -> None:
    """More than one statement holds: all of them, or where the last one is refused, none."""
    first = ingested("d0")
    log.append([first])
    many = [large(f"d{number}", 900_000) for number in range(1, 25)]
    with pytest.raises(VersionConflictError):
        log.append([*many, ingested("d0", "b")])
    assert await EventReader(pool).head() == 1
    stored = log.append(many)
    positions = [event.position for event in stored]
    assert positions == sorted(positions, key=lambda position: position or 0) and len(set(positions)) == 24
    assert [event.aggregate_id for event in stored] == [f"d{number}" for number in range(1, 25)]
    read = await EventReader(pool).of_aggregates([AggregateKey.of(event) for event in stored])
    assert sorted((event for (event,) in read.values()), key=lambda event: event.position or 0) == stored


async def test_what_is_read_is_bounded_in_bytes(
    log: EventLog, pool: PostgresPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = EventReader(pool)
    stored = log.append([large(f"d{number}", 90_000) for number in range(12)])
    monkeypatch.setattr(limits, "BATCH_BYTES", 300_000)
    assert await reader.after(0, 1000) == stored[:3]
    assert await reader.after(stored[2].position or 0, 2) == stored[3:5]
    monkeypatch.setattr(limits, "BATCH_BYTES", 1)
    assert await reader.after(0, 1000) == stored[:1], "one that is larger comes alone"
    monkeypatch.setattr(limits, "BATCH_BYTES", 300_000)

    keys = [AggregateKey.of(event) for event in stored]
    unknown = AggregateKey("default", "document", "unknown")
    batches = [batch async for batch in reader.in_batches(dict.fromkeys([*keys, unknown], 1))]
    assert [len(batch) for batch in batches] == [3, 3, 3, 3]
    found = [event for batch in batches for events in batch.values() for event in events]
    assert sorted(found, key=lambda event: event.position or 0) == stored
    assert [batch async for batch in reader.in_batches(dict.fromkeys(keys, 2))] == []


@pytest.mark.parametrize(("batch_bytes", "page_rows", "largest"), [(300_000, 1000, 3), (300_000, 2, 3), (1, 1000, 1)])
async def test_every_aggregate_comes_whole_and_once_whatever_the_bounds(
    log: EventLog,
    pool: PostgresPool,
    monkeypatch: pytest.MonkeyPatch,
    batch_bytes: int,
    page_rows: int,
    largest: int,
) -> None:
    """Half of the aggregates have two events, which pages may cut apart."""
    first = log.append([large(f"d{number}", 90_000) for number in range(12)])
    second = log.append([ingested(f"d{n}", "b", Document.project([first[n]])) for n in range(0, 12, 2)])
    monkeypatch.setattr(limits, "BATCH_BYTES", batch_bytes)
    monkeypatch.setattr(whole_aggregates, "PAGE_ROWS", page_rows)
    batches = [batch async for batch in EventReader(pool).whole.read(["document"], second[-1].position or 0)]
    assert max(map(len, batches)) == largest
    found = {events[0].aggregate_id: events for batch in batches for events in batch}
    assert found == {
        event.aggregate_id: [
            BriefEvent.of(one)
            for one in (event, *(other for other in second if other.aggregate_id == event.aggregate_id))
        ]
        for event in first
    }
    assert sum(map(len, batches)) == 12
    some = [batch async for batch in EventReader(pool).whole.read(["document"], first[4].position or 0)]
    assert sum(map(len, some)) == 5
