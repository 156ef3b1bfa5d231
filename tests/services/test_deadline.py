"""A use case ends by its deadline, with its own result or an error that names it."""

import asyncio

import pytest

from services.deadline import Deadline, DeadlineExceededError


async def test_what_ends_in_time_is_left_alone() -> None:
    deadline = Deadline.after(30)
    async with deadline.enforce("counting"):
        await asyncio.sleep(0)
    assert 0 < deadline.remaining_s <= 30


async def test_what_takes_too_long_is_cancelled_and_named() -> None:
    cancelled = False
    with pytest.raises(DeadlineExceededError, match="counting took longer than"):
        async with Deadline.after(0.01).enforce("counting"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled = True
                raise
    assert cancelled


async def test_a_deadline_is_shared_by_the_steps_of_a_use_case() -> None:
    deadline = Deadline.after(0.01)
    with pytest.raises(DeadlineExceededError):
        async with deadline.enforce("the first step"):
            await asyncio.Event().wait()
    assert deadline.remaining_s == 0
    with pytest.raises(DeadlineExceededError, match="the second step"):
        async with deadline.enforce("the second step"):
            await asyncio.sleep(1)


async def test_a_timeout_of_something_else_is_not_taken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError, match="the socket"):
        async with Deadline.after(30).enforce("reading"):
            raise TimeoutError("the socket")
