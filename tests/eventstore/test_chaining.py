"""A log of before the chain: chained in steps, at whatever point it was broken off, while others append."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore import chaining
from eventstore.chained_events import ChainedEvents
from eventstore.chaining import chain_existing
from eventstore.migrations import migrate
from eventstore.pool import open_pool
from security.event_chain import LogCheck
from tests.conftest import PostgresServer
from tests.eventstore.test_migrations import restore_old

EVENTS = 21
INSERT = (
    "INSERT INTO annals.stored_events (originator_id, originator_version, topic, state) "
    "SELECT gen_random_uuid(), 1, 'EntityUpdated', state FROM annals.stored_events LIMIT 1 "
    "RETURNING notification_id, recorded_at, hash"
)


@pytest.fixture
async def old(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    """An old, filled database that was brought to today's schema, and was chained."""
    dsn = await restore_old(postgres_server, "unchained")
    await migrate(dsn)
    connection = await asyncpg.connect(dsn, timeout=10)
    yield connection
    await connection.close()


async def unchain(connection: asyncpg.Connection, after: int) -> None:
    """As it is between the migration and the end of the chaining, which came up to a position."""
    for column in ("recorded_at", "follows", "hash"):
        await connection.execute(f"ALTER TABLE annals.stored_events ALTER COLUMN {column} DROP NOT NULL")
    await connection.execute(
        "UPDATE annals.stored_events SET recorded_at = NULL, follows = NULL, hash = NULL WHERE notification_id > $1",
        after,
    )


async def checked(postgres_server: PostgresServer) -> LogCheck:
    pool = await open_pool(postgres_server.dsn("unchained"), max_size=1)
    try:
        check = LogCheck()
        for event in await ChainedEvents(pool).after(0):
            check.take(event)
        return check
    finally:
        await pool.close()


async def times(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch(
        "SELECT recorded_at, (convert_from(state, 'UTF8')::jsonb ->> 'timestamp')::timestamptz AS own "
        "FROM annals.stored_events ORDER BY notification_id"
    )


async def test_the_events_of_an_old_database_are_chained(
    old: asyncpg.Connection, postgres_server: PostgresServer
) -> None:
    found = await checked(postgres_server)
    assert (found.fault, found.checked) == (None, EVENTS)
    rows = await times(old)
    highest = rows[0]["own"]
    for row in rows:
        highest = max(highest, row["own"])
        assert row["recorded_at"] == highest


@pytest.mark.parametrize("done", [0, 7, EVENTS])
async def test_it_goes_on_where_it_was_broken_off_behind_what_others_appended(
    old: asyncpg.Connection, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    monkeypatch.setattr(chaining, "STEP_EVENTS", 4)
    await unchain(old, done)
    appended = await old.fetchrow(INSERT)
    assert (
        appended is not None and appended["recorded_at"] is not None and (appended["hash"] is None) == (done < EVENTS)
    )
    await chain_existing(old)
    found = "SELECT recorded_at FROM annals.stored_events WHERE notification_id = $1"
    assert await old.fetchval(found, appended["notification_id"]) == appended["recorded_at"]
    await old.execute(INSERT)
    check = await checked(postgres_server)
    assert (check.fault, check.checked) == (None, EVENTS + 2)


async def test_a_time_that_is_yet_to_come_is_no_time_of_recording(
    old: asyncpg.Connection, postgres_server: PostgresServer
) -> None:
    await unchain(old, 0)
    await old.execute(
        "UPDATE annals.stored_events SET state = convert_to(jsonb_set(convert_from(state, 'UTF8')::jsonb, "
        "'{timestamp}', to_jsonb('9999-12-31T00:00:00Z'::text))::text, 'UTF8') WHERE notification_id = 3"
    )
    await chain_existing(old)
    assert (await checked(postgres_server)).fault is None
    rows = await times(old)
    assert rows[2]["own"] > rows[2]["recorded_at"] == rows[20]["recorded_at"] > rows[20]["own"]
