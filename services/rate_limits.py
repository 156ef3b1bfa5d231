"""How often something may be done, counted for all processes together: GCRA, the leaky bucket of ITU-T I.371."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool, acquire, take_turn, transaction

if TYPE_CHECKING:
    from redis.asyncio import Redis


@dataclass(frozen=True, slots=True)
class Grant:
    """`retry_after_s` is 0 where it is allowed, else when to try again."""

    allowed: bool
    retry_after_s: float


class RateLimits(Protocol):
    """Every method raises StoreUnavailableError when the database is away."""

    async def open(self) -> None:
        """Make them where there are none."""
        ...

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        """Do `subject` once: at most `limit` at once, refilled evenly over `per_s` seconds. By the database's clock."""
        ...


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
        """One statement, so that two processes cannot both take the last one."""
        step = per_s / limit
        async with acquire(self._pool) as connection:
            # Nothing comes back where the row was left as it is: then there is no measure left.
            taken = await connection.fetchval(
                "INSERT INTO limits.taken AS t (tenant, subject, until) "
                "VALUES ($1, $2, extract(epoch FROM clock_timestamp()) + $3) "
                "ON CONFLICT (tenant, subject) DO UPDATE "
                "SET until = greatest(t.until, extract(epoch FROM clock_timestamp())) + $3 "
                "WHERE greatest(t.until, extract(epoch FROM clock_timestamp())) + $3 "
                "<= extract(epoch FROM clock_timestamp()) + $4 RETURNING until",
                tenant,
                subject,
                step,
                per_s,
            )
            if taken is not None:
                return Grant(True, 0.0)
            wait = await connection.fetchval(
                "SELECT until + $3 - extract(epoch FROM clock_timestamp()) - $4 FROM limits.taken "
                "WHERE tenant = $1 AND subject = $2",
                tenant,
                subject,
                step,
                per_s,
            )
        return Grant(False, max(0.0, float(wait or 0.0)))


_TAKE = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), at) + tonumber(ARGV[1])
local late = free - at - tonumber(ARGV[2])
if late > 0 then return tostring(late) end
redis.call('SET', KEYS[1], string.format('%.6f', free), 'EX', math.ceil(tonumber(ARGV[2])) + 1)
return '0'
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

        try:
            late = await self._redis.eval(_TAKE, 1, f"annals:limits:{tenant}:{subject}", per_s / limit, per_s)
        except RedisError as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
        return Grant(float(late) == 0.0, float(late))
