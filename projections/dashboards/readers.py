"""Roles of PostgreSQL that read one tenant's rows through the views of the schema `dashboards`."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files

import asyncpg

from contracts.errors import AnnalsError
from eventstore.pool import Connection, PostgresPool, acquire, take_turn, transaction
from projections.dashboards.scram import scram_verifier
from projections.dashboards.sharing import share

PREFIX = "annals_reader_"
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_GROUP = """
DO $$ BEGIN CREATE ROLE annals_reader NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
"""
# A dashboard changes nothing, ends what takes too long, and leaves connections to others.
_ROLE = """
SELECT format('CREATE ROLE %1$I LOGIN PASSWORD %2$L CONNECTION LIMIT 10 IN ROLE annals_reader; '
    'ALTER ROLE %1$I SET default_transaction_read_only = on; ALTER ROLE %1$I SET statement_timeout = ''60s''; '
    'ALTER ROLE %1$I SET search_path = dashboards', $1::text, $2::text)
"""


class ReaderNameError(AnnalsError):
    """A reader's name is lower-case letters, digits and `_`, at most 40; choose another name."""


class ReaderExistsError(AnnalsError):
    """There is a reader of this name; remove it first, or choose another name."""


class ReaderNotFoundError(AnnalsError):
    """There is no reader of this name; `annals readers list` shows those there are."""


class RolesNotAllowedError(AnnalsError):
    """The user of PostgreSQL may not make roles; give it CREATEROLE, or ask who administers the server."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A role that can log in, and the tenant whose rows it sees."""

    name: str
    role: str
    tenant: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class NewReader:
    """`password` is known only now; PostgreSQL keeps a verifier of it (SCRAM-SHA-256, RFC 7677)."""

    reader: Reader
    password: str = field(repr=False)


class DashboardReaders:
    """`live` are the read models that lie in PostgreSQL. Methods raise StoreUnavailableError."""

    def __init__(self, pool: PostgresPool, live: Sequence[str]) -> None:
        self._pool = pool
        self._live = [name for name in live if name in ("relational", "graph")]

    async def add(self, tenant: str, name: str) -> NewReader:
        """Make the views where there are none, and a role that reads them.

        Raises ReaderNameError, ReaderExistsError, RolesNotAllowedError.
        """
        if not _NAME.match(name):
            raise ReaderNameError
        role, password = PREFIX + name, secrets.token_urlsafe(24)
        try:
            async with transaction(self._pool) as connection:
                await take_turn(connection, "dashboards")
                await self._make_views(connection)
                await connection.execute(await connection.fetchval(_ROLE, role, scram_verifier(password)))
                added = await connection.fetchval(
                    "INSERT INTO dashboards.readers (role, tenant) VALUES ($1, $2) RETURNING added_at", role, tenant
                )
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
            raise ReaderExistsError from None
        except asyncpg.InsufficientPrivilegeError:
            raise RolesNotAllowedError from None
        return NewReader(Reader(name, role, tenant, added), password)

    async def of_tenant(self, tenant: str) -> list[Reader]:
        """Those of one tenant, by name."""
        async with acquire(self._pool) as connection:
            if not await connection.fetchval("SELECT to_regclass('dashboards.readers') IS NOT NULL"):
                return []
            rows = await connection.fetch(
                "SELECT role, tenant, added_at FROM dashboards.readers WHERE tenant = $1 ORDER BY role", tenant
            )
        return [Reader(row["role"].removeprefix(PREFIX), *row) for row in rows]

    async def remove(self, tenant: str, name: str) -> None:
        """Its connections end, and it can open no more. Raises ReaderNotFoundError."""
        if name not in {reader.name for reader in await self.of_tenant(tenant)}:
            raise ReaderNotFoundError
        role = PREFIX + name
        async with transaction(self._pool) as connection:
            await connection.execute("DELETE FROM dashboards.readers WHERE role = $1 AND tenant = $2", role, tenant)
            await connection.execute(
                await connection.fetchval("SELECT format('DROP ROLE IF EXISTS %I', $1::text)", role)
            )
            await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", role)

    async def _make_views(self, connection: Connection) -> None:
        await connection.execute(_GROUP)
        # A body that names what is made later is not looked into.
        await connection.execute("SET LOCAL check_function_bodies = off; SET LOCAL lock_timeout = '10s'")
        for file in ("schema", *self._live):
            await connection.execute((files("projections") / "dashboards" / f"{file}.sql").read_text("utf-8"))
        for name in self._live:
            await share(connection, name)
