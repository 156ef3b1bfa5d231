"""Batches of what is delivered one by one: when each begins, and how much is held at most."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from contracts.topics import Partition
from streams.handler import Handler
from streams.in_flight import Delivered, InFlight
from streams.published import PublishedEnds
from streams.spacing import Spacing

Item = TypeVar("Item")

COMPANY_S, COMPANY_STEPS = 0.001, 5
"""What comes with one fetch is delivered without a pause of a step; an event waits for one at each of its six hops.
What comes while a batch is at work is the next one."""
ANNOUNCED_S = 0.03
"""What is published already is waited for, where the relay says what is: a burst comes in pieces, a partition after the
other. Nothing else is waited for then."""
UNWANTED_WAIT_S = 0.5
"""What is none of the handler's business waits this long for company: only its position is to be kept."""


class Gathering(Generic[Item]):
    """What is in flight of one handler. Who delivers waits while that is too much; who processes, while it is little.

    `in_flight` is changed by these methods alone.
    """

    def __init__(self, handler: Handler[Any], batch: int, published: PublishedEnds) -> None:
        self.in_flight: InFlight[Item] = InFlight(batch, handler.batch_bytes)
        self._batch = batch
        self._published = published
        self._spacing = Spacing(handler.apart_s, handler.gathers_s)
        self._delivered: dict[Partition, int] = {}
        self._changed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._has_room = asyncio.Event()
        self._is_enough = asyncio.Event()

    async def add(self, delivery: Delivered[Item]) -> None:
        """It was delivered; returns when there is room for another one."""
        self.in_flight.add(delivery)
        self._delivered[delivery.partition] = delivery.message.offset + 1
        self._changed.set()
        if delivery.is_wanted or self.in_flight.is_full:
            self._wanted.set()
        if self._has_enough:
            self._is_enough.set()
        while self.in_flight.is_full:
            self._has_room.clear()
            await self._has_room.wait()

    async def company(self) -> None:
        """Until there may be something to begin: few messages wait a moment for others."""
        await self._changed.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNWANTED_WAIT_S):
                await self._wanted.wait()
        if not self._has_enough:
            await self._gather()
            await self._pause()
        self._changed.clear()
        self._wanted.clear()

    def begin(self) -> list[Delivered[Item]]:
        """The batch that begins now beside what is at work; none where there is nothing for it."""
        batch = self.in_flight.next_batch()
        if batch:
            self._spacing.begins(asyncio.get_running_loop().time(), len(batch))
        return batch

    def finish(self, batch: Sequence[Delivered[Item]]) -> list[Delivered[Item]]:
        """The batch is processed: what may be acknowledged now, in order; `make_room` when it is."""
        released = self.in_flight.finish(batch)
        self._changed.set()
        self._wanted.set()
        return released

    def make_room(self) -> None:
        """Who waits to deliver looks again whether there is room."""
        self._has_room.set()

    async def _gather(self) -> None:
        """Until the batch before began long enough ago, or there is a full one."""
        if asyncio.get_running_loop().time() >= self._spacing.next_at:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._spacing.next_at):
                while not self._has_enough:
                    self._is_enough.clear()
                    await self._is_enough.wait()

    async def _pause(self) -> None:
        """Until what is published is there, for ANNOUNCED_S at most. Where nobody says what is, until nothing more
        comes with what came, for COMPANY_STEPS."""
        if self._published.awaits(self._delivered) is None:
            for _ in range(COMPANY_STEPS):
                before = self.in_flight.waiting
                await asyncio.sleep(COMPANY_S)
                if self._has_enough or self.in_flight.waiting == before:
                    return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANNOUNCED_S):
                while self._published.awaits(self._delivered) and not self._has_enough:
                    self._changed.clear()
                    await self._changed.wait()

    @property
    def _has_enough(self) -> bool:
        """Whether more would make no larger batch."""
        return self.in_flight.waiting >= self._batch or self.in_flight.is_full
