"""Hashes of passwords. A new one ends what was signed in with the old one."""

from eventstore.pool import PostgresPool, acquire, transaction
from eventstore.tokens import end_all


class Passwords:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def find(self, tenant: str, account: str) -> str | None:
        """The hash of the account's password."""
        async with acquire(self._pool) as connection:
            found: str | None = await connection.fetchval(
                "SELECT hash FROM annals.passwords WHERE tenant = $1 AND account = $2", tenant, account
            )
        return found

    async def set(self, tenant: str, account: str, hashed: str) -> None:
        """Another password; tokens of the account that were issued until now count no more."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.passwords (tenant, account, hash) VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant, account) DO UPDATE SET hash = $3, changed_at = now()",
                tenant,
                account,
                hashed,
            )
            await end_all(connection, tenant, account)

    async def replace_hash(self, tenant: str, account: str, outdated: str, hashed: str) -> None:
        """The same password, hashed with today's parameters, unless another one was set meanwhile."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.passwords SET hash = $4 WHERE tenant = $1 AND account = $2 AND hash = $3",
                tenant,
                account,
                outdated,
                hashed,
            )
