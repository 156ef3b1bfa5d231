"""Bounded work: so many run, so many wait, and those who wait are let in by turns of their tenants.

The one place where requests are admitted. Only what can be expected to be done within its deadline waits: whoever
cannot is told at once when to come again, rather than after all of his time.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.deadline import Deadline
from services.errors import OverloadedError

WEIGHT = 0.1
"""Of the latest piece of work in what the next one is expected to take."""
SHARE = 0.5
"""Of the time that is left, which waiting and working may be expected to take: half of all takes longer."""


@dataclass(slots=True)
class _Waiting:
    turn: "asyncio.Future[None]"
    deadline: Deadline


class WorkLimit:
    """At most `running` pieces of work at once. A tenant has at most `waiting` more; other tenants' do not count.

    Tenants take turns, so one with a long queue delays another by one piece of work.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._running = self._free = running
        self._waiting = waiting
        self._queues: OrderedDict[str, deque[_Waiting]] = OrderedDict()
        self._piece_s = 0.0
        """What a piece of work is expected to take; 0 until one has ended."""

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str, deadline: Deadline) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for the block. Raises OverloadedError: then nothing was done."""
        await self._enter(tenant, deadline)
        began = _now()
        try:
            yield
        finally:
            spent = _now() - began
            self._piece_s = spent if not self._piece_s else (1 - WEIGHT) * self._piece_s + WEIGHT * spent
            self._free += 1
            self._admit()

    async def _enter(self, tenant: str, deadline: Deadline) -> None:
        if self._free:
            # Nobody waits where a turn is free; and what a piece takes is found out again, however long it took last.
            self._free -= 1
            return
        queue = self._queues.get(tenant, ())
        expected_s = self._until_done_s(len(queue))
        if len(queue) >= self._waiting or expected_s > SHARE * deadline.remaining_s:
            raise self._overloaded(max(self._piece_s, expected_s - SHARE * deadline.limit_s))
        waiting = _Waiting(asyncio.get_running_loop().create_future(), deadline)
        self._queues.setdefault(tenant, deque()).append(waiting)
        try:
            async with asyncio.timeout_at(deadline.at):
                await waiting.turn
        except BaseException as error:
            if waiting.turn.done() and not waiting.turn.cancelled() and waiting.turn.exception() is None:
                self._free += 1  # admitted and called off at the same time
            else:
                self._leave(tenant, waiting)
            self._admit()
            if isinstance(error, TimeoutError):
                raise self._overloaded(self._until_done_s(len(self._queues.get(tenant, ())))) from None
            raise

    def _until_done_s(self, before: int) -> float:
        """Until a piece of work is done that has `before` of its tenant before it: all tenants take turns."""
        others = sum(min(len(queue), before + 1) for queue in self._queues.values())
        return self._piece_s * ((others + 1) / self._running + 1)

    def _overloaded(self, retry_after_s: float) -> OverloadedError:
        return OverloadedError(retry_after_s=retry_after_s)

    def _leave(self, tenant: str, waiting: _Waiting) -> None:
        queue = self._queues.get(tenant)
        if queue is not None and waiting in queue:
            queue.remove(waiting)
            if not queue:
                del self._queues[tenant]

    def _admit(self) -> None:
        while self._free and self._queues:
            tenant, queue = self._queues.popitem(last=False)
            waiting = queue.popleft()
            if queue:
                self._queues[tenant] = queue  # behind the others
            if waiting.turn.done():
                continue
            if waiting.deadline.remaining_s < min(self._piece_s, SHARE * waiting.deadline.limit_s):
                waiting.turn.set_exception(self._overloaded(self._until_done_s(len(queue))))
            else:
                self._free -= 1
                waiting.turn.set_result(None)


def _now() -> float:
    return asyncio.get_running_loop().time()
