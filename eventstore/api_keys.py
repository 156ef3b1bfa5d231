"""API keys, by their hashes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from eventstore.access_version import count_change
from eventstore.pool import Connection, PostgresPool, acquire, transaction
from security.api_keys import ApiKey

USE_KEPT_EVERY = timedelta(seconds=30)
"""The time of a key's last use is this exact; so busy keys cost no write each time."""


class ApiKeys:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        async with acquire(self._pool) as connection:
            await _insert(connection, key)

    async def take_the_place(self, key: ApiKey) -> None:
        """Keep a new key, and revoke all others of this account with its name."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.api_keys SET revoked_at = now() "
                "WHERE tenant = $1 AND account = $2 AND name = $3 AND revoked_at IS NULL",
                key.tenant,
                key.account,
                key.name,
            )
            await _insert(connection, key)
            await count_change(connection)

    async def rotate(self, old_id: str, key: ApiKey, until: datetime) -> None:
        """Keep a new key; the old one expires at `until`, unless it did so before."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.api_keys SET expires_at = least(expires_at, $2) WHERE id = $1", old_id, until
            )
            await _insert(connection, key)
            await count_change(connection)

    async def find(self, key_id: str) -> ApiKey | None:
        """The key of this id, of whichever tenant."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.api_keys WHERE id = $1", key_id)
        return None if row is None else _key(row)

    async def of_tenant(self, tenant: str, account: str | None, after: str, limit: int) -> Sequence[ApiKey]:
        """Keys of a tenant, or of one account of it, by id behind `after`."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT * FROM annals.api_keys WHERE tenant = $1 AND ($2::text IS NULL OR account = $2) AND id > $3 "
                "ORDER BY id LIMIT $4",
                tenant,
                account,
                after,
                limit,
            )
        return [_key(row) for row in rows]

    async def revoke(self, tenant: str, key_id: str) -> bool:
        """Whether it counted until now."""
        async with transaction(self._pool) as connection:
            done = await connection.fetchval(
                "UPDATE annals.api_keys SET revoked_at = now() "
                "WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL RETURNING true",
                tenant,
                key_id,
            )
            if done:
                await count_change(connection)
        return bool(done)

    async def used(self, key_id: str) -> None:
        """Somebody came in with it now."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.api_keys SET last_used_at = now() "
                "WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - $2::interval)",
                key_id,
                USE_KEPT_EVERY,
            )


async def _insert(connection: Connection, key: ApiKey) -> None:
    await connection.execute(
        "INSERT INTO annals.api_keys "
        "(id, tenant, account, name, secret_hash, scopes, created_at, created_by, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.id,
        key.tenant,
        key.account,
        key.name,
        key.secret_hash,
        None if key.scopes is None else list(key.scopes),
        key.created_at,
        key.created_by,
        key.expires_at,
    )


def _key(row: asyncpg.Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        tenant=row["tenant"],
        account=row["account"],
        name=row["name"],
        secret_hash=row["secret_hash"],
        scopes=None if row["scopes"] is None else tuple(row["scopes"]),
        created_at=row["created_at"],
        created_by=row["created_by"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
