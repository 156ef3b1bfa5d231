"""The processes' role of `deploy/process-role.sql`: it appends and reads, and the log refuses it everything else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from eventstore.chained_events import ChainedEvents
from eventstore.checkpoints import Checkpoints
from eventstore.errors import StoreUnavailableError
from eventstore.log import EventLog
from eventstore.migrations import migrate
from eventstore.pool import PostgresPool, open_pool
from eventstore.reader import EventReader
from security.event_chain import LogCheck
from tests.conftest import PostgresServer
from tests.eventstore.test_chaining import unchain
from tests.services.operations.test_log_verification import made

RIGHTS = Path(__file__).parents[2] / "deploy" / "process-role.sql"
ROLE = "annals_process"


@pytest.fixture
async def as_process(dsn: str, pool: PostgresPool) -> AsyncIterator[str]:
    """The log's address for the role."""
    await pool.execute(f"CREATE ROLE {ROLE} LOGIN")
    await pool.execute(RIGHTS.read_text("utf-8"))
    yield dsn.replace("postgres@", f"{ROLE}@")
    await pool.execute(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


async def test_it_appends_and_reads(as_process: str, pool: PostgresPool) -> None:
    def append() -> list[object]:
        with EventLog.connect(as_process) as log:
            return [*log.append(made(3))]

    assert await migrate(as_process) == [], "nothing is to do, so nothing is asked for"
    stored = await asyncio.to_thread(append)
    own = await open_pool(as_process, max_size=2)
    try:
        assert await EventReader(own).after(0, 10) == stored
        check = LogCheck()
        for event in await ChainedEvents(own).after(0):
            check.take(event)
        assert (check.fault, check.checked) == (None, 3)
        assert await Checkpoints(own).newest() is None
    finally:
        await own.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE annals.stored_events SET state = state",
        "UPDATE annals.stored_events SET hash = NULL",
        "DELETE FROM annals.stored_events",
        "TRUNCATE annals.stored_events",
        "INSERT INTO annals.stored_events SELECT * FROM annals.stored_events",
        "ALTER TABLE annals.stored_events DISABLE TRIGGER ALL",
        "ALTER TABLE annals.stored_events DROP COLUMN hash",
        "DROP TABLE annals.stored_events",
        "DROP SCHEMA annals CASCADE",
        "SELECT annals.chain_events(0, 100)",
        "SELECT setval('annals.stored_events_notification_id_seq', 1)",
        "CREATE OR REPLACE FUNCTION annals.describe_event() RETURNS trigger LANGUAGE sql AS 'SELECT 1'",
        "UPDATE annals.checkpoints SET size = 1",
        "DELETE FROM annals.checkpoints",
        "DELETE FROM annals.checkpoint_keys",
        "DELETE FROM annals.migrations",
        "UPDATE annals.identity SET log = gen_random_uuid()",
        "BEGIN; LOCK TABLE annals.stored_events IN ACCESS EXCLUSIVE MODE",
    ],
)
async def test_the_log_refuses_it_everything_else(as_process: str, dsn: str, statement: str) -> None:
    with EventLog.connect(dsn) as log:
        log.append(made(1))
    connection = await asyncpg.connect(as_process, timeout=10)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_what_is_to_be_changed_in_the_schema_is_not_its_to_change(
    as_process: str, pool: PostgresPool, postgres_server: PostgresServer
) -> None:
    async with pool.acquire() as owner:
        await unchain(owner, 0)  # type: ignore[arg-type]  # a connection of a pool is one
    with pytest.raises(StoreUnavailableError, match="PostgreSQL refuses"):
        await migrate(as_process)
