"""Events that a stage has from the one before in the same process, ahead of their way through relay and broker."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from contracts.envelope import DomainEvent

log = logging.getLogger(__name__)

WAITED_S = 0.25
"""How long whoever hands events on waits for what comes of them: meanwhile more gather behind it, and a larger batch
costs less."""
MOST_KNOWN = 10_000
"""Ids of events that were done ahead and may still be on their way."""


class HandedOn:
    """One batch at a time: a stage that is slower than the one before is not given more and more.

    What fails is left to the delivery of the same events, whose failure it is then.
    """

    def __init__(self, work: Callable[[Sequence[DomainEvent]], Awaitable[None]]) -> None:
        self._work = work
        self._running: asyncio.Task[None] | None = None
        self._in_hand: frozenset[UUID] = frozenset()
        self._done: OrderedDict[UUID, None] = OrderedDict()

    async def begin(self, events: Sequence[DomainEvent]) -> None:
        """Work on these, unless others are in hand."""
        if not events or self._running is not None:
            return
        self._in_hand = frozenset(event.event_id for event in events)
        self._running = asyncio.create_task(self._do(events), name="stage ahead of delivery")
        await asyncio.wait([self._running], timeout=WAITED_S)

    async def _do(self, events: Sequence[DomainEvent]) -> None:
        try:
            await self._work(events)
            self._done.update(dict.fromkeys(self._in_hand))
            while len(self._done) > MOST_KNOWN:
                self._done.popitem(last=False)
        except Exception as error:
            log.debug("%d events are left to their delivery: %s", len(events), error)
        finally:
            self._running, self._in_hand = None, frozenset()

    async def left(self, events: Sequence[DomainEvent]) -> list[DomainEvent]:
        """What is still to be done of these, which are delivered now."""
        if self._running is not None and not self._in_hand.isdisjoint(event.event_id for event in events):
            await asyncio.wait([self._running])
        return [event for event in events if event.event_id not in self._done]
