"""The reasoning cache and the rate limits in Redis: what the embedded ones do, and what is its own."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from eventstore.errors import StoreUnavailableError
from projections.answers.reads import KEPT_S, AnswerCache
from projections.answers.redis import RedisAnswers
from services.rate_limits import RateLimits, RedisRateLimits
from tests.projections.contract.answers import AnswerCacheContract
from tests.servers.handles import Server
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


async def test_a_redis_that_is_away_is_said_to_be(redis: Redis, redis_server: Server) -> None:
    redis_server.kill()
    with pytest.raises(StoreUnavailableError, match="Redis"):
        await RedisAnswers(redis).find("default", "key")
    with pytest.raises(StoreUnavailableError, match="Redis"):
        await RedisRateLimits(redis).take("default", "ask", 1, 60)
    await asyncio.to_thread(redis_server.start)
    assert await RedisAnswers(redis).find("default", "key") is None
