"""Keys that sign access tokens; the private ones are sealed."""

import json
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from eventstore.access_version import count_change
from eventstore.pool import PostgresPool, acquire, transaction
from security.signing_keys import SigningKey

MAX_KEYS = 1000


class SigningKeys:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def add(self, key: SigningKey) -> None:
        """Keep a new key; those that verify nothing any more go."""
        async with acquire(self._pool) as connection:
            await connection.execute("DELETE FROM annals.signing_keys WHERE expires_at < now()")
            await connection.execute(
                "INSERT INTO annals.signing_keys "
                "(id, public_key, sealed_private_key, created_at, signs_from, signs_until, expires_at) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                key.id,
                json.dumps(dict(key.public_key)),
                key.sealed_private_key,
                key.created_at,
                key.signs_from,
                key.signs_until,
                key.expires_at,
            )

    async def find(self, key_id: str) -> SigningKey | None:
        """The key of this id."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.signing_keys WHERE id = $1", key_id)
        return None if row is None else _key(row)

    async def all(self) -> Sequence[SigningKey]:
        """Those that verify still, and revoked ones; the newest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT * FROM annals.signing_keys WHERE expires_at > now() ORDER BY signs_from DESC, id LIMIT $1",
                MAX_KEYS,
            )
        return [_key(row) for row in rows]

    async def end_signing(self, at: datetime, expires_at: datetime) -> None:
        """All keys that there are sign no more from `at` on, and verify until `expires_at`."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.signing_keys SET signs_until = $1, expires_at = least(expires_at, $2) "
                "WHERE signs_until > $1",
                at,
                expires_at,
            )

    async def revoke(self, key_id: str) -> bool:
        """Whether it counted until now. Tokens that it signed are refused from the next request on."""
        async with transaction(self._pool) as connection:
            done = await connection.fetchval(
                "UPDATE annals.signing_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING true",
                key_id,
            )
            if done:
                await count_change(connection)
        return bool(done)


def _key(row: asyncpg.Record) -> SigningKey:
    return SigningKey(
        id=row["id"],
        public_key=json.loads(row["public_key"]),
        sealed_private_key=row["sealed_private_key"],
        created_at=row["created_at"],
        signs_from=row["signs_from"],
        signs_until=row["signs_until"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
