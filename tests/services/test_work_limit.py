"""Work is bounded, and those who wait are let in by turns of their tenants."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deadline import Deadline, DeadlineExceededError
from services.errors import OverloadedError
from services.work_limit import WorkLimit


class Work:
    """Pieces of work that last until they are told to end."""

    def __init__(self, running: int, waiting: int) -> None:
        self.limit = WorkLimit(running, waiting)
        self.began: list[str] = []
        self.most, self._now = 0, 0
        self._ends: dict[str, asyncio.Event] = {}

    def start(self, name: str, tenant: str) -> "asyncio.Task[None]":
        self._ends[name] = asyncio.Event()
        return asyncio.create_task(self._do(name, tenant))

    def end(self, name: str) -> None:
        self._ends[name].set()

    async def _do(self, name: str, tenant: str) -> None:
        async with self.limit.turn(tenant, Deadline.after(5)):
            self.began.append(name)
            self._now += 1
            self.most = max(self.most, self._now)
            try:
                await self._ends[name].wait()
            finally:
                self._now -= 1


async def turns() -> None:
    """Let every task go on as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_tenant_with_a_long_queue_delays_another_by_one() -> None:
    work = Work(1, 100)
    tasks = [work.start(f"noisy{n}", "noisy") for n in range(20)]
    await turns()
    tasks.append(work.start("quiet", "quiet"))
    await turns()
    work.end("noisy0")
    await turns()
    work.end(work.began[-1])
    await turns()
    assert "quiet" in work.began[:3]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_full_queue_refuses_its_tenant_and_no_other() -> None:
    work = Work(1, 2)
    tasks = [work.start(f"a{n}", "a") for n in range(3)]
    await turns()
    with pytest.raises(OverloadedError, match="try again"):
        async with work.limit.turn("a", Deadline.after(5)):
            pass
    other = work.start("b", "b")
    await turns()
    assert not other.done()
    for task in (*tasks, other):
        task.cancel()
    await asyncio.gather(*tasks, other, return_exceptions=True)


async def test_who_waits_too_long_is_told_so_and_takes_nobodys_turn() -> None:
    work = Work(1, 5)
    first = work.start("first", "a")
    await turns()
    with pytest.raises(DeadlineExceededError):
        async with work.limit.turn("a", Deadline.after(0.01)):
            pass
    work.end("first")
    await first
    second = work.start("second", "a")
    await turns()
    assert work.began == ["first", "second"]
    work.end("second")
    await second


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["start", "end", "cancel"])), max_size=60),
    st.integers(1, 3),
)
def test_no_turn_is_lost_and_none_is_given_twice(steps: list[tuple[str, str]], running: int) -> None:
    async def play() -> None:
        work = Work(running, 100)
        tasks: dict[str, asyncio.Task[None]] = {}
        for number, (tenant, step) in enumerate(steps):
            alive = [name for name, task in tasks.items() if not task.done()]
            if step == "start" or not alive:
                tasks[str(number)] = work.start(str(number), tenant)
            elif step == "end":
                work.end(alive[number % len(alive)])
            else:
                tasks[alive[number % len(alive)]].cancel()
            await turns()
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert work.most <= running
        # All turns are there again.
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(running):
                await stack.enter_async_context(work.limit.turn("x", Deadline.after(1)))

    asyncio.run(play())
