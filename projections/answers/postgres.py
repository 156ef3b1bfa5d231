"""The reasoning cache in PostgreSQL."""

from datetime import timedelta

from eventstore.pool import PostgresPool, acquire, take_turn, transaction
from projections.answers.reads import KEPT_S


class PostgresAnswers:
    """Implements `projections.answers.reads.AnswerCache`."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def open(self) -> None:
        """Make the table where there is none."""
        async with transaction(self._pool) as connection:
            await take_turn(connection, "answers")
            await connection.execute(
                """
                CREATE SCHEMA IF NOT EXISTS answers;
                CREATE TABLE IF NOT EXISTS answers.kept (
                    tenant text, key text, query_id text NOT NULL, kept_at timestamptz NOT NULL DEFAULT now(),
                    PRIMARY KEY (tenant, key));
                CREATE INDEX IF NOT EXISTS kept_at ON answers.kept (kept_at);
                """
            )

    async def keep(self, tenant: str, key: str, query_id: str) -> None:
        """Remember, and forget what is too old."""
        async with transaction(self._pool) as connection:
            await connection.execute("DELETE FROM answers.kept WHERE kept_at < now() - $1::interval", _KEPT)
            await connection.execute(
                "INSERT INTO answers.kept (tenant, key, query_id) VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant, key) DO UPDATE SET query_id = excluded.query_id, kept_at = now()",
                tenant,
                key,
                query_id,
            )

    async def find(self, tenant: str, key: str) -> str | None:
        """By key."""
        async with acquire(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT query_id FROM answers.kept WHERE tenant = $1 AND key = $2 AND kept_at >= now() - $3::interval",
                tenant,
                key,
                _KEPT,
            )
        return None if found is None else str(found)


_KEPT = timedelta(seconds=KEPT_S)
