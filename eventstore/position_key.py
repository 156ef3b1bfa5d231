"""The key that positions are sealed with for callers; whoever reads this database sees the positions anyway."""

from eventstore.pool import PostgresPool, acquire


async def position_key(pool: PostgresPool) -> bytes:
    """32 bytes, the same as long as the log is. Raises StoreUnavailableError."""
    async with acquire(pool) as connection:
        return bytes(await connection.fetchval("SELECT key FROM annals.position_key"))
