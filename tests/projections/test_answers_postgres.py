"""The reasoning cache in PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from eventstore.pool import PostgresPool, close_pool, open_pool
from projections.answers.postgres import PostgresAnswers
from projections.answers.reads import KEPT_S, AnswerCache
from tests.projections.contract.answers import AnswerCacheContract


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    opened = await open_pool(dsn)
    yield opened
    await close_pool(opened)


class TestAnswers(AnswerCacheContract):
    @pytest.fixture
    async def answers(self, pool: PostgresPool) -> AnswerCache:
        cache = PostgresAnswers(pool)
        await cache.open()
        return cache


async def test_what_is_too_old_is_not_given_and_goes(pool: PostgresPool) -> None:
    answers = PostgresAnswers(pool)
    await answers.open()
    await answers.keep("default", "old", "one")
    await pool.execute(f"UPDATE answers.kept SET kept_at = now() - interval '{KEPT_S + 1} s'")
    assert await answers.find("default", "old") is None
    await answers.keep("default", "new", "two")
    assert await pool.fetchval("SELECT count(*) FROM answers.kept") == 1
