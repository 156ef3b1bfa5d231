"""Versioned changes of the database, one SQL file each, applied once and in order."""

import asyncio
import re
from collections.abc import Sequence
from importlib.abc import Traversable
from importlib.resources import files
from typing import NamedTuple

import asyncpg

from eventstore.chaining import chain_existing, is_chained
from eventstore.connection import connected
from eventstore.log import EventLog
from eventstore.migrations.plan import label, pending
from eventstore.pool import in_transaction

LOCK = 0x616E6E616C73  # "annals": one migration at a time, whoever starts first

LOCK_LIMIT_S = 3600.0
FORMER = 50
"""The fifth's number up to version 0.1.0."""


class Migration(NamedTuple):
    """One file: its number orders it, its name says what it does."""

    number: int
    name: str
    sql: str


def migrations_in(folder: Traversable) -> list[Migration]:
    """The migrations of a folder, in order."""
    found = []
    for file in folder.iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    return sorted(found)


async def is_made(dsn: str) -> bool:
    """Whether the database holds a log, of whatever schema. Raises StoreUnavailableError."""
    async with connected(dsn, limit_s=10, command_limit_s=30) as connection:
        return await connection.fetchval("SELECT to_regclass('annals.stored_events')") is not None


async def migrate(dsn: str) -> list[str]:
    """Bring the event store's database to today's schema; returns what was applied. Safe to call at any start.

    Raises StoreUnavailableError, UnknownMigrationError, MissingMigrationError.
    """
    async with connected(dsn, limit_s=10, command_limit_s=300) as connection:
        if await _is_current(connection, migrations_in(files("eventstore.migrations"))):
            return []
        # Whoever came first may have a large log to chain.
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK, timeout=LOCK_LIMIT_S)
        await connection.execute("CREATE SCHEMA IF NOT EXISTS annals")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS annals.migrations ("
            "number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        if await connection.fetchval("SELECT to_regclass('annals.stored_events')") is None:
            await asyncio.to_thread(_create_log, dsn)
        done = await _apply(connection, migrations_in(files("eventstore.migrations")))
        await chain_existing(connection)
        return done


async def _is_current(connection: asyncpg.Connection, known: Sequence[Migration]) -> bool:
    """Whether there is nothing to do, for which a role that may change nothing of the schema suffices.

    Raises UnknownMigrationError, MissingMigrationError.
    """
    if await connection.fetchval("SELECT to_regclass('annals.migrations')") is None:
        return False
    applied = await _applied(connection)
    return FORMER not in applied and not pending(known, applied, "the database") and await is_chained(connection)


async def _applied(connection: asyncpg.Connection) -> dict[int, str]:
    return {row["number"]: row["name"] for row in await connection.fetch("SELECT * FROM annals.migrations")}


def _create_log(dsn: str) -> None:
    EventLog.connect(dsn, create=True).close()


async def _apply(connection: asyncpg.Connection, known: Sequence[Migration]) -> list[str]:
    await connection.execute("UPDATE annals.migrations SET number = 5 WHERE number = $1 AND name = 'relay'", FORMER)
    todo = pending(known, await _applied(connection), "the database")
    for migration in todo:
        async with in_transaction(connection):
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO annals.migrations (number, name) VALUES ($1, $2)", migration.number, migration.name
            )
    return [label(migration) for migration in todo]
