"""Versioned changes of the database, one SQL file each, applied once and in order."""

import asyncio
import re
from collections.abc import Iterable
from importlib.abc import Traversable
from importlib.resources import files
from typing import NamedTuple

import asyncpg

from eventstore.connection import connected
from eventstore.errors import UnknownMigrationError
from eventstore.log import EventLog

LOCK = 0x616E6E616C73  # "annals": one migration at a time, whoever starts first


class Migration(NamedTuple):
    """One file: its number orders it, its name says what it does."""

    number: int
    name: str
    sql: str


def migrations_in(folder: Traversable) -> list[Migration]:
    """The migrations of a folder, in order. Raises ValueError for a number that is used twice."""
    found = []
    for file in folder.iterdir():
        match = re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    found.sort()
    if len({migration.number for migration in found}) != len(found):
        raise ValueError("two migrations share a number")
    return found


async def migrate(dsn: str) -> list[str]:
    """Bring the event store's database to today's schema; returns what was applied. Safe to call at any start.

    Raises StoreUnavailableError, UnknownMigrationError.
    """
    async with connected(dsn, limit_s=10, command_limit_s=300) as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        await connection.execute("CREATE SCHEMA IF NOT EXISTS annals")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS annals.migrations ("
            "number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        if await connection.fetchval("SELECT to_regclass('annals.stored_events')") is None:
            await asyncio.to_thread(_create_log, dsn)
        return await _apply(connection, migrations_in(files("eventstore.migrations")))


def _create_log(dsn: str) -> None:
    EventLog.connect(dsn, create=True).close()


async def _apply(connection: asyncpg.Connection, wanted: Iterable[Migration]) -> list[str]:
    applied = {row["number"]: row["name"] for row in await connection.fetch("SELECT * FROM annals.migrations")}
    unknown = sorted(set(applied) - {migration.number for migration in wanted})
    if unknown:
        raise UnknownMigrationError(
            f"the database has migration {applied[unknown[0]]!r}, which this Annals does not know; update it"
        )
    done = []
    for migration in wanted:
        if migration.number not in applied:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO annals.migrations (number, name) VALUES ($1, $2)", migration.number, migration.name
                )
            done.append(f"{migration.number:04d}_{migration.name}")
    return done
