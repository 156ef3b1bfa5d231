"""Limits of one process: as the database's, in memory that is bounded."""

from services import local_rate_limits
from services.local_rate_limits import LocalRateLimits


async def test_so_many_at_once_and_then_one_for_each_part_of_the_time() -> None:
    now = 0.0
    limits = LocalRateLimits(lambda: now)
    assert [(await limits.take("a", "x", 3, 60.0)).allowed for _ in range(4)] == [True, True, True, False]
    assert (await limits.take("b", "x", 3, 60.0)).allowed and (await limits.take("a", "y", 3, 60.0)).allowed
    refused = await limits.take("a", "x", 3, 60.0)
    assert refused.retry_after_s == 20.0 and refused.remaining == 0
    now = 20.0
    assert [(await limits.take("a", "x", 3, 60.0)).allowed for _ in range(2)] == [True, False]


async def test_many_subjects_take_no_more_memory() -> None:
    limits = LocalRateLimits(lambda: 0.0)
    for number in range(local_rate_limits.MAX_KEPT + 10):
        await limits.take("a", str(number), 1, 60.0)
    assert not (await limits.take("a", str(local_rate_limits.MAX_KEPT), 1, 60.0)).allowed
    assert len(limits._until) == local_rate_limits.MAX_KEPT
