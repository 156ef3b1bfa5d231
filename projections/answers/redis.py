"""The reasoning cache in Redis."""

from redis.asyncio import Redis
from redis.exceptions import RedisError

from eventstore.errors import StoreUnavailableError
from projections.answers.reads import KEPT_S


class RedisAnswers:
    """Implements `projections.answers.reads.AnswerCache`; Redis forgets by itself what is too old."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def open(self) -> None:
        """Nothing to be made."""

    async def keep(self, tenant: str, key: str, query_id: str) -> None:
        """Remember."""
        try:
            await self._redis.set(_name(tenant, key), query_id, ex=KEPT_S)
        except RedisError as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error

    async def find(self, tenant: str, key: str) -> str | None:
        """By key."""
        try:
            found = await self._redis.get(_name(tenant, key))
        except RedisError as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error
        return None if found is None else found.decode() if isinstance(found, bytes) else found


def _name(tenant: str, key: str) -> str:
    return f"annals:answers:{tenant}:{key}"
