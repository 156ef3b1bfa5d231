"""The log: append, read back by aggregate, position and correlation; conflicts and duplicates told apart."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import asyncpg
import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.commands import Command, Commands
from eventstore.errors import DuplicateEventError, StoreUnavailableError, VersionConflictError
from eventstore.keys import AggregateKey
from eventstore.log import RECONNECT_LIMIT_S, EventLog
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


async def test_what_was_appended_comes_back(log: EventLog, pool: asyncpg.Pool) -> None:
    first, second = log.append([ingested("d1"), ingested("d2")])
    reader = EventReader(pool)

    assert second.position is not None and first.position is not None and second.position > first.position
    assert await reader.after(0, 10) == [first, second]
    assert await reader.of_aggregate("default", "document", "d2") == [second]
    assert await reader.by_correlation("default", "c1") == [first, second]
    assert await reader.by_correlation("other", "c1") == []
    assert await reader.head() == second.position
    assert await reader.count_by_type("default") == {"DocumentIngested": 2}
    assert [group async for group in reader.aggregates(["document"], up_to=first.position)] == [[[first]]]


def test_a_version_is_given_once(log: EventLog) -> None:
    log.append([ingested("d1")])
    with pytest.raises(VersionConflictError):
        log.append([ingested("d2"), ingested("d1")])
    # All or nothing.
    log.append([ingested("d2")])


def test_an_event_id_is_stored_once(log: EventLog) -> None:
    event_id = uuid4()
    log.append([ingested("d1", event_id=event_id)])
    with pytest.raises(DuplicateEventError):
        log.append([ingested("d2", event_id=event_id)])


async def test_a_command_decides_again_when_somebody_was_faster(log: EventLog, pool: asyncpg.Pool) -> None:
    commands = Commands(log, EventReader(pool))
    key = AggregateKey("default", "document", "d1")

    def command(text: str) -> Command:
        return Command(key, Document.project, lambda state: documents.ingest(state, "d1", content(text), cause()))

    results = await asyncio.gather(*(commands.execute(command(text)) for text in "abcdef"))

    versions = sorted(event.aggregate_version for events in results for event in events)
    assert versions == [1, 2, 3, 4, 5, 6]
    commands.close()


async def test_readers_see_no_gap_while_many_append(log: EventLog, pool: asyncpg.Pool) -> None:
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


async def test_its_connections_take_the_whole_dsn(dsn: str, pool: asyncpg.Pool) -> None:
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
