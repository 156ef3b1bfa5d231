"""The registry in Redis, for the servers profile: a key an instance, which ends by itself."""

import json
from collections.abc import Awaitable
from dataclasses import asdict
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from eventstore.errors import StoreUnavailableError
from services.mesh.registry import LEASE_S, Instance

T = TypeVar("T")
NAMES = "annals:mesh:services:"
ONE = "annals:mesh:instance:"


class RedisServiceRegistry:
    """Implements `services.mesh.registry.ServiceRegistry`. A set for each service names ids, some of which are gone."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def open(self) -> None:
        """Nothing to be made."""

    async def renew(self, instance: Instance, lease_s: float = LEASE_S) -> None:
        """Both in one transaction."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(ONE + instance.instance, json.dumps(asdict(instance)), px=max(1, round(lease_s * 1000)))
            pipe.sadd(NAMES + instance.service, instance.instance)
            await _asked(pipe.execute())

    async def withdraw(self, instance: str) -> None:
        """Its name goes from the set when the set is next read."""
        await _asked(self._redis.delete(ONE + instance))

    async def instances(self, service: str) -> list[Instance]:
        """Those that serve; names whose keys have ended are cleared away."""
        names = sorted(_text(name) for name in await _asked(self._redis.smembers(NAMES + service)))
        if not names:
            return []
        found = await _asked(self._redis.mget([ONE + name for name in names]))
        gone = [name for name, value in zip(names, found, strict=True) if value is None]
        if gone:
            await _asked(self._redis.srem(NAMES + service, *gone))
        read = [Instance(**json.loads(value)) for value in found if value is not None]
        return [one for one in read if one.service == service and one.address]


async def _asked(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except RedisError as error:
        raise StoreUnavailableError(f"Redis does not answer: {error}") from error


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
