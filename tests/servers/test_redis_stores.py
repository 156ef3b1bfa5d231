"""The reasoning cache and the rate limits in Redis: what the embedded ones do, and what is its own."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from eventstore.errors import StoreUnavailableError
from projections.answers.reads import KEPT_S, AnswerCache
from projections.answers.redis import RedisAnswers
from services.mesh.registry import ServiceRegistry
from services.mesh.registry_redis import RedisServiceRegistry
from services.rate_limits import RateLimits, RedisRateLimits
from tests.projections.contract.answers import AnswerCacheContract
from tests.servers.handles import Server
from tests.services.mesh.registry_contract import ONE, ServiceRegistryContract
from tests.services.rate_limits_contract import RateLimitsContract


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


class TestRedisAnswers(AnswerCacheContract):
    @pytest.fixture
    async def answers(self, redis: Redis) -> AnswerCache:
        return RedisAnswers(redis)

    async def test_are_forgotten_in_time(self, redis: Redis, answers: AnswerCache) -> None:
        await answers.keep("default", "key", "one")
        (name,) = await redis.keys("annals:answers:*")
        assert 0 < await redis.ttl(name) <= KEPT_S


class TestRedisLimits(RateLimitsContract):
    @pytest.fixture
    async def limits(self, redis: Redis) -> RateLimits:
        return RedisRateLimits(redis)


class TestRedisServiceRegistry(ServiceRegistryContract):
    @pytest.fixture
    async def registry(self, redis: Redis) -> ServiceRegistry:
        return RedisServiceRegistry(redis)

    async def test_names_of_what_is_gone_are_cleared_away(self, redis: Redis, registry: ServiceRegistry) -> None:
        await registry.renew(ONE, 60)
        await registry.withdraw(ONE.instance)
        assert await registry.instances("reasoning") == []
        assert await redis.keys("annals:mesh:*") == []


async def test_a_redis_that_is_away_is_said_to_be(redis: Redis, redis_server: Server) -> None:
    redis_server.kill()
    with pytest.raises(StoreUnavailableError, match="Redis"):
        await RedisAnswers(redis).find("default", "key")
    with pytest.raises(StoreUnavailableError, match="Redis"):
        await RedisRateLimits(redis).take("default", "ask", 1, 60)
    with pytest.raises(StoreUnavailableError, match="Redis"):
        await RedisServiceRegistry(redis).instances("reasoning")
    await asyncio.to_thread(redis_server.start)
    assert await RedisAnswers(redis).find("default", "key") is None
