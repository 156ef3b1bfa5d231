"""How often something may be done, counted for all processes together: GCRA, the leaky bucket of ITU-T I.371."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventstore.access_version import AccessVersion, Version
from eventstore.errors import StoreUnavailableError
from eventstore.measures import Measure, open_measures
from eventstore.pool import PostgresPool
from services.deadline import abandon_after

if TYPE_CHECKING:
    from redis.asyncio import Redis

REDIS_LIMIT_S = 1.0
"""How long Redis is waited for: a cache's server stops no request."""
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


class RequestLimits(RateLimits, Protocol):
    """Those of the gateway's requests."""

    async def take_along(
        self, tenant: str, subject: str, limit: int, per_s: float, at: Version
    ) -> tuple[Version, Grant | None] | None:
        """As `take`, in one round trip with the present version of access, which comes first.

        Where that is not `at` there is no grant, and nothing is taken. None where limits are stored elsewhere.
        """
        ...


class PostgresRateLimits:
    """For the embedded profile: in the statements by which the version of access is asked."""

    def __init__(self, pool: PostgresPool, access_version: AccessVersion) -> None:
        self._pool = pool
        self._access_version = access_version

    async def open(self) -> None:
        """Make the table."""
        await open_measures(self._pool)

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        """One statement, so that two processes cannot both take the last one."""
        measure = Measure(tenant, subject, per_s / limit, per_s)
        taken = await self._access_version.take(measure)
        return granted(taken.allowed, taken.used_s, measure.step_s, per_s)

    async def take_along(
        self, tenant: str, subject: str, limit: int, per_s: float, at: Version
    ) -> tuple[Version, Grant | None] | None:
        """In the statement that asks for the version."""
        measure = Measure(tenant, subject, per_s / limit, per_s)
        version, taken = await self._access_version.current_taking(measure, at)
        if taken is None:
            return version, None
        return version, granted(taken.allowed, taken.used_s, measure.step_s, per_s)


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
            allowed, used_s = await abandon_after(REDIS_LIMIT_S, self._taken(f"{tenant}:{subject}", step_s, per_s))
        except (RedisError, TimeoutError) as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
        return granted(bool(allowed), float(used_s), step_s, per_s)

    async def _taken(self, name: str, step_s: float, per_s: float) -> tuple[int, str]:
        allowed, used_s = await self._redis.eval(_TAKE_IN_REDIS, 1, f"annals:limits:{name}", step_s, per_s)
        return allowed, used_s

    async def take_along(
        self, tenant: str, subject: str, limit: int, per_s: float, at: Version
    ) -> tuple[Version, Grant | None] | None:
        """The version is in PostgreSQL."""
        return None
