"""Bounded work: so many run, so many wait, and those who wait are let in by turns of their tenants."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator

from services.deadline import Deadline
from services.errors import OverloadedError


class WorkLimit:
    """At most `running` pieces of work at once. A tenant has at most `waiting` more; other tenants' do not count.

    Tenants take turns, so one with a long queue delays another by one piece of work.
    """

    def __init__(self, running: int, waiting: int) -> None:
        self._free = running
        self._waiting = waiting
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str, deadline: Deadline) -> AsyncIterator[None]:
        """Wait for a turn, and hold it for the block. Raises OverloadedError at once, DeadlineExceededError."""
        await self._enter(tenant, deadline)
        try:
            yield
        finally:
            self._free += 1
            self._admit()

    async def _enter(self, tenant: str, deadline: Deadline) -> None:
        queue = self._queues.setdefault(tenant, deque())
        if len(queue) >= self._waiting:
            raise OverloadedError(f"{self._waiting} requests of yours wait already; try again in a moment")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        self._admit()
        try:
            async with deadline.enforce("waiting for a turn"):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._free += 1  # admitted and called off at the same time
            else:
                self._leave(tenant, turn)
            self._admit()
            raise

    def _leave(self, tenant: str, turn: "asyncio.Future[None]") -> None:
        queue = self._queues.get(tenant)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[tenant]

    def _admit(self) -> None:
        while self._free and self._queues:
            tenant, queue = self._queues.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._queues[tenant] = queue  # behind the others
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
