"""Refresh tokens by their hashes, and which access tokens count no more."""

from collections.abc import Sequence
from datetime import UTC, datetime

import asyncpg

from eventstore.access_version import count_change
from eventstore.pool import Connection, PostgresPool, acquire, transaction
from security.refresh_tokens import RefreshToken


class Tokens:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def add(self, token: RefreshToken) -> None:
        """Keep the first refresh token of a sign-in; what has expired goes."""
        async with acquire(self._pool) as connection:
            await connection.execute("DELETE FROM annals.refresh_tokens WHERE expires_at < now()")
            await connection.execute("DELETE FROM annals.revoked_tokens WHERE expires_at < now()")
            await _insert(connection, token)

    async def find(self, token_id: str) -> RefreshToken | None:
        """The refresh token of this id."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.refresh_tokens WHERE id = $1", token_id)
        return None if row is None else _token(row)

    async def of_tenant(self, tenant: str, account: str | None, limit: int) -> Sequence[RefreshToken]:
        """Unused refresh tokens, one for each sign-in that goes on; the newest first."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT * FROM annals.refresh_tokens AS t WHERE tenant = $1 AND ($2::text IS NULL OR account = $2) "
                "AND used_at IS NULL AND expires_at > now() AND NOT EXISTS (SELECT FROM annals.revoked_tokens AS r "
                "WHERE r.tenant = t.tenant AND r.id = t.family) AND NOT EXISTS (SELECT FROM annals.token_floors AS f "
                "WHERE f.tenant = t.tenant AND f.account = t.account AND f.not_before > t.created_at) "
                "ORDER BY created_at DESC LIMIT $3",
                tenant,
                account,
                limit,
            )
        return [_token(row) for row in rows]

    async def exchange(self, used: RefreshToken, following: RefreshToken) -> bool:
        """Use one up and keep the one that follows it; False where it was used before, or meanwhile."""
        async with transaction(self._pool) as connection:
            first = await connection.fetchval(
                "UPDATE annals.refresh_tokens SET used_at = now() WHERE id = $1 AND used_at IS NULL RETURNING true",
                used.id,
            )
            if first:
                await _insert(connection, following)
        return bool(first)

    async def revoke(self, tenant: str, revoked_id: str, expires_at: datetime) -> None:
        """An access token, or a whole family, counts no more; remembered until `expires_at`."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.revoked_tokens (tenant, id, expires_at) VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant, id) DO UPDATE SET expires_at = greatest(revoked_tokens.expires_at, $3)",
                tenant,
                revoked_id,
                expires_at,
            )
            await count_change(connection)

    async def revoke_all(self, tenant: str, account: str) -> datetime:
        """No token of the account that was issued until now counts any more; returns when that was."""
        async with transaction(self._pool) as connection:
            return await end_all(connection, tenant, account)

    async def is_revoked(self, tenant: str, account: str, ids: Sequence[str], issued_at: float) -> bool:
        """Whether one of these ids is revoked, or all that was issued to the account at that time (of the epoch)."""
        async with acquire(self._pool) as connection:
            return bool(
                await connection.fetchval(
                    "SELECT EXISTS (SELECT FROM annals.revoked_tokens WHERE tenant = $1 AND id = ANY($3)) "
                    "OR EXISTS (SELECT FROM annals.token_floors "
                    "WHERE tenant = $1 AND account = $2 AND not_before >= $4)",
                    tenant,
                    account,
                    list(ids),
                    datetime.fromtimestamp(issued_at, UTC),
                )
            )


async def end_all(connection: Connection, tenant: str, account: str) -> datetime:
    """No token of the account that was issued until now counts any more."""
    at: datetime = await connection.fetchval(
        "INSERT INTO annals.token_floors (tenant, account, not_before) VALUES ($1, $2, clock_timestamp()) "
        "ON CONFLICT (tenant, account) DO UPDATE SET not_before = excluded.not_before RETURNING not_before",
        tenant,
        account,
    )
    await count_change(connection)
    return at


async def _insert(connection: Connection, token: RefreshToken) -> None:
    await connection.execute(
        "INSERT INTO annals.refresh_tokens "
        "(id, family, tenant, account, secret_hash, scopes, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        token.id,
        token.family,
        token.tenant,
        token.account,
        token.secret_hash,
        None if token.scopes is None else list(token.scopes),
        token.created_at,
        token.expires_at,
    )


def _token(row: asyncpg.Record) -> RefreshToken:
    return RefreshToken(
        id=row["id"],
        family=row["family"],
        tenant=row["tenant"],
        account=row["account"],
        secret_hash=row["secret_hash"],
        scopes=None if row["scopes"] is None else tuple(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
