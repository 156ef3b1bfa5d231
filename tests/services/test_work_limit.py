"""Work is bounded, and those who wait are let in by turns of their tenants."""

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.deadline import Deadline
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
    with pytest.raises(OverloadedError):
        async with work.limit.turn("a", Deadline.after(0.01)):
            pass
    work.end("first")
    await first
    second = work.start("second", "a")
    await turns()
    assert work.began == ["first", "second"]
    work.end("second")
    await second


class Clock:
    """The event loop's, set by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.ahead_s, real = 0.0, loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self.ahead_s)


async def done(limit: WorkLimit, clock: Clock, seconds: float, tenant: str = "a") -> None:
    """One piece of work that takes so long."""
    async with limit.turn(tenant, Deadline.after(100)):
        clock.ahead_s += seconds


async def refused_after(limit: WorkLimit, tenant: str, within_s: float) -> float | None:
    """After how many seconds to come again; None where one is let in, or waits."""
    entering = asyncio.create_task(limit.turn(tenant, Deadline.after(within_s)).__aenter__())
    await turns()
    if entering.done():
        error = entering.exception()
        assert isinstance(error, OverloadedError), error
        return error.retry_after_s
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    return None


async def test_who_cannot_be_done_in_time_is_refused_at_once_and_told_when(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, limit = Clock(monkeypatch), WorkLimit(2, 100)
    await done(limit, clock, 2.0)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(limit.turn("a", Deadline.after(100)))
        # The next one is expected to be done after 3 s, half a piece of waiting and its own: half of 6 s.
        assert await refused_after(limit, "a", 6.5) is None
        assert await refused_after(limit, "a", 5.5) is not None
        waiting = [asyncio.create_task(limit.turn("a", Deadline.after(100)).__aenter__()) for _ in range(8)]
        await turns()
        again = await refused_after(limit, "a", 8.0)
        assert again is not None and 6.0 < again < 8.0, "when so many are done that it would be let in"
        # Others take turns with them.
        assert await refused_after(limit, "b", 8.5) is None
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_waits_beyond_hope_is_refused_before_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, work = Clock(monkeypatch), Work(1, 10)
    await done(work.limit, clock, 1.0)
    first = work.start("first", "a")
    await turns()
    late = asyncio.create_task(work.limit.turn("a", Deadline.after(5)).__aenter__())
    await turns()
    clock.ahead_s += 4.5
    work.end("first")
    await first
    with pytest.raises(OverloadedError):
        await late
    assert work.began == ["first"]


async def test_after_what_hung_all_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the last pieces took: where nobody works, the next one is tried."""
    clock, limit = Clock(monkeypatch), WorkLimit(1, 10)
    for _ in range(20):
        await done(limit, clock, 60.0)
    async with limit.turn("a", Deadline.after(1)):
        assert await refused_after(limit, "a", 10.0) is not None
    for _ in range(60):
        await done(limit, clock, 0.01)
    async with limit.turn("a", Deadline.after(1)):
        assert await refused_after(limit, "a", 10.0) is None


async def test_who_heeds_the_refusal_gets_his_turn() -> None:
    limit, served = WorkLimit(2, 3), list[int]()

    async def one(number: int) -> None:
        while True:
            try:
                async with limit.turn("a", Deadline.after(0.5)):
                    await asyncio.sleep(0.002)
                    served.append(number)
                    return
            except OverloadedError as error:
                await asyncio.sleep(max(0.001, error.retry_after_s))

    async with asyncio.timeout(20):
        await asyncio.gather(*(one(number) for number in range(100)))
    assert sorted(served) == list(range(100))


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
