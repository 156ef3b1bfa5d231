"""What every store of rate limits does."""

import asyncio

import pytest

from services.rate_limits import RateLimits


class RateLimitsContract:
    """Subclass with a fixture `limits`: opened, and nothing taken."""

    @pytest.fixture
    async def limits(self) -> RateLimits:
        raise NotImplementedError

    async def test_so_many_at_once_and_no_more(self, limits: RateLimits) -> None:
        granted = [(await limits.take("default", "ask", 3, 3600)).allowed for _ in range(5)]
        assert granted == [True, True, True, False, False]

    async def test_says_when_to_try_again(self, limits: RateLimits) -> None:
        await limits.take("default", "ask", 1, 3600)
        refused = await limits.take("default", "ask", 1, 3600)
        assert not refused.allowed
        assert 3000 < refused.retry_after_s <= 3600

    async def test_is_refilled(self, limits: RateLimits) -> None:
        assert (await limits.take("default", "ask", 1, 0.05)).allowed
        async with asyncio.timeout(10):
            while True:
                refused = await limits.take("default", "ask", 1, 0.05)
                if refused.allowed:
                    break
                await asyncio.sleep(refused.retry_after_s)

    async def test_many_at_the_same_time_take_no_more_than_there_is(self, limits: RateLimits) -> None:
        grants = await asyncio.gather(*(limits.take("default", "ask", 5, 3600) for _ in range(20)))
        assert sum(grant.allowed for grant in grants) == 5

    async def test_tenants_and_subjects_are_apart(self, limits: RateLimits) -> None:
        assert (await limits.take("default", "ask", 1, 3600)).allowed
        assert (await limits.take("theirs", "ask", 1, 3600)).allowed
        assert (await limits.take("default", "search", 1, 3600)).allowed

    async def test_says_what_is_left_and_when_all_is_back(self, limits: RateLimits) -> None:
        found = [await limits.take("default", "ask", 4, 3600) for _ in range(5)]
        assert [grant.remaining for grant in found] == [3, 2, 1, 0, 0]
        assert [round(grant.reset_s / 900) for grant in found] == [1, 2, 3, 4, 4]
        assert [grant.retry_after_s for grant in found[:4]] == [0.0] * 4
        assert 880 < found[4].retry_after_s <= 900
