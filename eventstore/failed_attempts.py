"""The levels of failed attempts that all processes share, in PostgreSQL."""

from collections.abc import Sequence

from eventstore.pool import PostgresPool, transaction
from security.attempts import FALLS_EVERY_S, MAX_SUBJECTS, Change, SharedLevel

_ADD = """
INSERT INTO annals.failed_attempts AS a (kind, subject, value, at, rose)
SELECT kind, subject, by, now(), by > 0
FROM unnest($1::text[], $2::text[], $3::float8[]) AS changes (kind, subject, by) ORDER BY kind, subject
ON CONFLICT (kind, subject) DO UPDATE
SET value = greatest(0, greatest(0, a.value - extract(epoch FROM now() - a.at) / $4) + excluded.value),
    at = now(), rose = excluded.rose
"""
_CHANGED = """
SELECT kind, subject, value, rose, extract(epoch FROM now() - at)::float8 AS age_s FROM annals.failed_attempts
WHERE at >= now() - $1 * interval '1 second' ORDER BY at DESC LIMIT $2
"""
_FORGET = "DELETE FROM annals.failed_attempts WHERE value <= extract(epoch FROM now() - at) / $1"


class FailedAttempts:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def exchange(self, changes: Sequence[Change], within_s: float) -> list[SharedLevel]:
        """Add what changed here; what changed anywhere in the last `within_s` seconds. What has fallen to 0 goes."""
        async with transaction(self._pool) as connection:
            if changes:
                columns = ([one.kind for one in changes], [one.subject for one in changes], [one.by for one in changes])
                await connection.execute(_ADD, *columns, FALLS_EVERY_S)
                await connection.execute(_FORGET, FALLS_EVERY_S)
            rows = await connection.fetch(_CHANGED, within_s, MAX_SUBJECTS)
        return [SharedLevel(**row) for row in rows]
