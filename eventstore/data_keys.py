"""The table of data keys. What is in it is wrapped: of no use without the master key."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from eventstore.pool import Connection, PostgresPool, acquire
from security.master_key import WrappedKey

NO_TENANT = ""
"""Whose the log's secret is (`eventstore.log_secret`)."""

_OF_SUBJECT = (
    "(tenant = $1 AND subject = $2 AND retired_at IS NULL OR tenant = $1 AND subject = $2 AND retired_at IS NOT NULL)"
)
"""All of its keys, in either of the two indexes by subject."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """`wrapped` is None once the key is destroyed; a retired one encrypts no more. `uses` are reserved encryptions."""

    key_id: str
    tenant: str
    subject: str
    created_at: datetime
    wrapped: WrappedKey | None
    uses: int
    retired_at: datetime | None
    destroyed_at: datetime | None


class DataKeys:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def get(self, key_id: str) -> DataKey | None:
        """One key."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.data_keys WHERE key_id = $1", key_id)
        return None if row is None else _key(row)

    async def present(self, tenant: str, subject: str) -> DataKey | None:
        """The key that encrypts for a subject now."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM annals.data_keys WHERE tenant = $1 AND subject = $2 AND retired_at IS NULL",
                tenant,
                subject,
            )
        return None if row is None else _key(row)

    async def reserve(self, key_id: str, uses: int, most: int, age: timedelta) -> bool:
        """Count `uses` encryptions more; whether the key may still be used for so many, and is not older than `age`."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "UPDATE annals.data_keys SET uses = uses + $2 WHERE key_id = $1 AND retired_at IS NULL "
                "AND uses + $2 <= $3 AND created_at > clock_timestamp() - $4::interval RETURNING 1",
                key_id,
                uses,
                most,
                age,
            )
        return row is not None

    async def retire(self, tenant: str, subject: str | None, key_id: str | None = None) -> list[DataKey]:
        """Let keys encrypt no more: of a subject, or all of the tenant; or one of them."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "UPDATE annals.data_keys SET retired_at = clock_timestamp() WHERE tenant = $1 AND retired_at IS NULL "
                "AND ($2::text IS NULL OR subject = $2) AND ($3::text IS NULL OR key_id = $3) RETURNING *",
                tenant,
                subject,
                key_id,
            )
        return [_key(row) for row in rows]

    async def destroy(self, tenant: str, subject: str) -> list[str]:
        """Erase all keys of a subject; returns their ids. Nothing that they encrypted can be read again."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "UPDATE annals.data_keys SET wrapped = NULL, master = NULL, destroyed_at = clock_timestamp(), "
                "retired_at = coalesce(retired_at, clock_timestamp()) "
                f"WHERE {_OF_SUBJECT} AND destroyed_at IS NULL RETURNING key_id",
                tenant,
                subject,
            )
        return sorted(row["key_id"] for row in rows)

    async def of_tenant(self, tenant: str, after: str, limit: int) -> list[DataKey]:
        """A tenant's keys by id, behind `after`."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT * FROM annals.data_keys WHERE tenant = $1 AND key_id > $2 ORDER BY key_id LIMIT $3",
                tenant,
                after,
                limit,
            )
        return [_key(row) for row in rows]


async def is_empty(connection: Connection) -> bool:
    """Whether there never was a data key."""
    return not await connection.fetchval("SELECT EXISTS (SELECT FROM annals.data_keys)")


async def insert(connection: Connection, key_id: str, tenant: str, subject: str, wrapped: WrappedKey) -> None:
    """Store a new present key, unless the subject has one: then nothing is done."""
    await connection.execute(
        "INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (tenant, subject) WHERE retired_at IS NULL DO NOTHING",
        key_id,
        tenant,
        subject,
        wrapped.master,
        wrapped.data,
    )


async def insert_retired(connection: Connection, key_id: str, tenant: str, subject: str, wrapped: WrappedKey) -> None:
    """Store a new key that encrypts nothing."""
    await connection.execute(
        "INSERT INTO annals.data_keys (key_id, tenant, subject, master, wrapped, retired_at) "
        "VALUES ($1, $2, $3, $4, $5, clock_timestamp())",
        key_id,
        tenant,
        subject,
        wrapped.master,
        wrapped.data,
    )


async def wrapped_keys(connection: Connection, page: int) -> AsyncIterator[DataKey]:
    """Keys of every tenant that are not destroyed, by id, read a page at a time."""
    after = ""
    while rows := await connection.fetch(
        "SELECT * FROM annals.data_keys WHERE wrapped IS NOT NULL AND key_id > $1 ORDER BY key_id LIMIT $2",
        after,
        page,
    ):
        for row in rows:
            yield _key(row)
        after = rows[-1]["key_id"]


async def rewrap(connection: Connection, key: DataKey, wrapped: WrappedKey) -> None:
    """Store a key wrapped anew, unless it was destroyed meanwhile."""
    assert key.wrapped is not None
    await connection.execute(
        "UPDATE annals.data_keys SET master = $3, wrapped = $4 WHERE key_id = $1 AND wrapped = $2",
        key.key_id,
        key.wrapped.data,
        wrapped.master,
        wrapped.data,
    )


def _key(row: asyncpg.Record) -> DataKey:
    wrapped = None if row["wrapped"] is None else WrappedKey(row["master"], row["wrapped"])
    return DataKey(
        row["key_id"],
        row["tenant"],
        row["subject"],
        row["created_at"],
        wrapped,
        row["uses"],
        row["retired_at"],
        row["destroyed_at"],
    )
