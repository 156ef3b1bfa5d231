"""Consumers that stand still because too many of their messages became dead letters."""

from collections.abc import Sequence

from contracts.paused_consumer import PausedConsumer
from eventstore.pool import PostgresPool, acquire


class PausedConsumers:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def pause(self, paused: PausedConsumer) -> None:
        """Remember that a consumer is paused. One that is paused already stays so for its first reason."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.paused_consumers (consumer, dead_letters, messages, cause) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                paused.consumer,
                paused.dead_letters,
                paused.messages,
                paused.cause,
            )

    async def release(self, consumers: Sequence[str]) -> list[str]:
        """Let these consumers go on. Returns those that were paused."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "DELETE FROM annals.paused_consumers WHERE consumer = ANY($1) RETURNING consumer", list(consumers)
            )
        return sorted(row["consumer"] for row in rows)

    async def is_paused(self, consumer: str) -> bool:
        """Whether this consumer is paused."""
        async with acquire(self._pool) as connection:
            return bool(
                await connection.fetchval(
                    "SELECT EXISTS (SELECT FROM annals.paused_consumers WHERE consumer = $1)", consumer
                )
            )

    async def all(self) -> list[PausedConsumer]:
        """Every paused consumer, by name."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM annals.paused_consumers ORDER BY consumer")
        return [PausedConsumer(**row) for row in rows]
