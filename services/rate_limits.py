"""How often something may be done, counted for all processes together: GCRA, the leaky bucket of ITU-T I.371."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool, acquire, take_turn, transaction

if TYPE_CHECKING:
    from redis.asyncio import Redis

ROUNDING = 1e-6
"""Of a time: what is lost in the arithmetic of a double."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`retry_after_s` is 0 where it is allowed, else when to try again.

    `remaining`: how often more at once; `reset_s`: after how many seconds the whole limit is there again.
    """

    allowed: bool
    retry_after_s: float
    remaining: int
    reset_s: float


def granted(allowed: bool, used_s: float, step_s: float, per_s: float) -> Grant:
    """`used_s`: how much of `per_s` is taken, of which each time takes `step_s`."""
    used_s = min(max(used_s, 0.0), per_s)
    return Grant(
        allowed=allowed,
        retry_after_s=0.0 if allowed else max(0.0, used_s + step_s - per_s),
        remaining=int((per_s - used_s) / step_s + ROUNDING),
        reset_s=used_s,
    )


class RateLimits(Protocol):
    """Every method raises StoreUnavailableError when the database is away."""

    async def open(self) -> None:
        """Make them where there are none."""
        ...

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        """Do `subject` once: at most `limit` at once, refilled evenly over `per_s` seconds. By the database's clock."""
        ...


# Nothing comes back from the insertion where the row was left as it is: then there is no measure left.
_TAKE_IN_POSTGRES = """
WITH taken AS (
    INSERT INTO limits.taken AS t (tenant, subject, until)
    VALUES ($1, $2, extract(epoch FROM clock_timestamp()) + $3)
    ON CONFLICT (tenant, subject) DO UPDATE
    SET until = greatest(t.until, extract(epoch FROM clock_timestamp())) + $3
    WHERE greatest(t.until, extract(epoch FROM clock_timestamp())) + $3 <= extract(epoch FROM clock_timestamp()) + $4
    RETURNING until)
SELECT true, until - extract(epoch FROM clock_timestamp()) FROM taken
UNION ALL
SELECT false, until - extract(epoch FROM clock_timestamp()) FROM limits.taken
WHERE tenant = $1 AND subject = $2 AND NOT EXISTS (SELECT FROM taken)
"""


class PostgresRateLimits:
    """For the embedded profile."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def open(self) -> None:
        """Make the table. Unlogged: after a crash everybody starts with a full measure."""
        async with transaction(self._pool) as connection:
            await take_turn(connection, "limits")
            await connection.execute(
                """
                CREATE SCHEMA IF NOT EXISTS limits;
                CREATE UNLOGGED TABLE IF NOT EXISTS limits.taken (
                    tenant text, subject text, until double precision NOT NULL, PRIMARY KEY (tenant, subject));
                """
            )

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        """One statement, so that two processes cannot both take the last one, and one round trip."""
        step_s = per_s / limit
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(_TAKE_IN_POSTGRES, tenant, subject, step_s, per_s)
        # A row that somebody made since the statement began is not seen by it: the measure was just used up.
        allowed, used_s = row if row is not None else (False, per_s)
        return granted(allowed, used_s, step_s, per_s)


_TAKE_IN_REDIS = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), at)
local free = before + tonumber(ARGV[1])
if free - at > tonumber(ARGV[2]) then return {0, tostring(before - at)} end
redis.call('SET', KEYS[1], string.format('%.6f', free), 'EX', math.ceil(tonumber(ARGV[2])) + 1)
return {1, tostring(free - at)}
"""


class RedisRateLimits:
    """For the servers profile."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def open(self) -> None:
        """Nothing to be made."""

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        """One script, so that two processes cannot both take the last one."""
        from redis.exceptions import RedisError

        step_s = per_s / limit
        try:
            allowed, used_s = await self._redis.eval(
                _TAKE_IN_REDIS, 1, f"annals:limits:{tenant}:{subject}", step_s, per_s
            )
        except RedisError as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
        return granted(bool(allowed), float(used_s), step_s, per_s)
