"""The log of a real database: what anybody does to it by SQL is found, with its position."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.chained_events import ChainedEvents
from eventstore.checkpoints import Checkpoints
from eventstore.log import EventLog
from eventstore.pool import PostgresPool, open_pool
from eventstore.reader import EventReader
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import AccessDeniedError
from services.operations.log_verification import VerifiedLog, VerifyLog
from tests.support.access import allowed

OPERATOR = Caller("default", "me", "test", FULL_ACCESS)


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    opened = await open_pool(dsn, max_size=2)
    yield opened
    await opened.close()


def made(count: int, timestamp: datetime | None = None) -> list[DomainEvent]:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    cause = Cause(EventMetadata(), "c1", timestamp=timestamp)
    return [documents.ingest(None, f"d{number}", content, cause)[0] for number in range(count)]


def append(dsn: str, events: list[DomainEvent]) -> list[DomainEvent]:
    with EventLog.connect(dsn) as log:
        return log.append(events)


async def verified(pool: PostgresPool) -> VerifiedLog:
    told: list[int] = []
    found = await VerifyLog(ChainedEvents(pool), Checkpoints(pool)).verify(
        OPERATOR, told.append, deadline=Deadline.after(30)
    )
    assert (told or [0])[-1] == found.checked
    return found


async def test_the_database_and_we_make_the_same_hashes(
    dsn: str, pool: PostgresPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.chained_events.PAGE_ROWS", 3)
    assert await verified(pool) == VerifiedLog(0, 0, bytes(32), 0, None)
    await asyncio.to_thread(append, dsn, made(5))
    with pytest.raises(asyncpg.UniqueViolationError):  # a gap
        await pool.execute(
            "INSERT INTO annals.stored_events (originator_id, originator_version, topic, state) "
            "SELECT originator_id, originator_version, topic, state FROM annals.stored_events LIMIT 1"
        )
    await asyncio.to_thread(
        append, dsn, [e.model_copy(update={"aggregate_id": f"x\u0142{e.aggregate_id}"}) for e in made(3)]
    )
    found = await verified(pool)
    assert (found.checked, found.position, found.fault) == (8, 9, None)
    assert found.head == await pool.fetchval("SELECT hash FROM annals.stored_events WHERE notification_id = 9")


SQL = {
    "UPDATE annals.stored_events SET state = overlay(state PLACING '}' FROM 30) WHERE notification_id = 4": 4,
    "UPDATE annals.stored_events SET state = NULL, topic = NULL WHERE notification_id = 4": 4,
    "UPDATE annals.stored_events SET tenant = 'other' WHERE notification_id = 1": 1,
    "UPDATE annals.stored_events SET recorded_at = 'infinity' WHERE notification_id = 6": 6,
    "UPDATE annals.stored_events SET recorded_at = recorded_at + interval '1 microsecond' WHERE notification_id = 2": 2,
    "UPDATE annals.stored_events SET hash = '' WHERE notification_id = 3": 3,
    "UPDATE annals.stored_events SET follows = 1 WHERE notification_id = 5": 5,
    "UPDATE annals.stored_events SET notification_id = 100 WHERE notification_id = 3": 3,
    "UPDATE annals.stored_events SET notification_id = -3 WHERE notification_id = 3": -3,
    "DELETE FROM annals.stored_events WHERE notification_id = 1": 1,
    "DELETE FROM annals.stored_events WHERE notification_id = 5": 5,
    "UPDATE annals.stored_events AS e SET state = o.state FROM annals.stored_events AS o "
    "WHERE (e.notification_id, o.notification_id) IN ((2, 5), (5, 2))": 2,
    "UPDATE annals.stored_events SET notification_id = 10 - notification_id WHERE notification_id IN (4, 6)": 4,
    "INSERT INTO annals.stored_events (originator_id, originator_version, topic, state, notification_id) "
    "SELECT gen_random_uuid(), 1, 'EntityUpdated', state, 7 FROM annals.stored_events WHERE notification_id = 1": 7,
}


@pytest.mark.parametrize("statement", SQL)
async def test_whatever_is_done_by_sql_is_named_by_its_position(dsn: str, pool: PostgresPool, statement: str) -> None:
    await asyncio.to_thread(append, dsn, made(6))
    await pool.execute("SELECT nextval(pg_get_serial_sequence('annals.stored_events', 'notification_id'))")
    await asyncio.to_thread(append, dsn, [e.model_copy(update={"aggregate_id": "last"}) for e in made(1)])
    assert (await verified(pool)).fault is None
    if "10 - notification_id" in statement:
        await pool.execute("DROP INDEX annals.stored_events_notification_id_idx")
    await pool.execute(statement)
    fault = (await verified(pool)).fault
    assert fault is not None and fault.position == SQL[statement], fault


async def test_times_of_recording_rise_also_where_the_clock_steps_back(dsn: str, pool: PostgresPool) -> None:
    """The producers' times fall; the last event was recorded in a future that the clock has not reached again."""
    now = datetime.now(UTC)
    first = await asyncio.to_thread(append, dsn, made(1, now + timedelta(days=300)))
    assert first[0].recorded_at is not None and abs(first[0].recorded_at - now) < timedelta(minutes=1)
    ahead = await pool.fetchval(
        "UPDATE annals.stored_events SET recorded_at = recorded_at + interval '1 hour' RETURNING recorded_at"
    )
    later = [e.model_copy(update={"aggregate_id": f"later{e.aggregate_id}"}) for e in made(3, now - timedelta(days=9))]
    stored = await asyncio.to_thread(append, dsn, later)
    assert [event.recorded_at for event in stored] == [ahead] * 3
    assert await EventReader(pool).after(1, 10) == stored


async def test_only_the_operator_verifies_the_log(pool: PostgresPool) -> None:
    with pytest.raises(AccessDeniedError):
        await VerifyLog(ChainedEvents(pool), Checkpoints(pool)).verify(
            Caller("default", "eve", "test", allowed("system:read", "audit:read")), print, deadline=Deadline.after(30)
        )
