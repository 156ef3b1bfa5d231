"""Bringing a generation that was built to the end of the log, and the switch to it.

Most is taken in while the live one is written to as ever. Only a small rest is taken in under its lock, within a limit;
where the rest is not small, or time runs out, the lock is given back, and all of it is tried again until a limit of its
own ends that.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from contracts.topics import Topics
from eventstore.reader import EventReader
from projections.changes import ReadModel, uniform_positions
from projections.errors import SwitchDeferredError
from projections.projector import Projector
from projections.store import Generation

log = logging.getLogger(__name__)

BATCH = 500
LITTLE = 100
"""Positions that are left when the switch is tried."""
REST = 1_000
"""Positions that are caught up with under the live one's lock, at most."""
LOCK_LIMIT_S = 10.0
"""How long that lock is held, about; writers wait for longer before they call the database away."""
LIMIT_S = 1800.0
PAUSE_MOST_S = 5.0

StillHeld = Callable[[], Awaitable[None]]


class CatchUp:
    """Follows the log from `position` on, which the generation is built up to.

    `still_held` is asked right before the switch; what it raises ends the work.
    """

    def __init__(
        self,
        model: ReadModel,
        generation: Generation,
        reader: EventReader,
        topics: Topics,
        position: int,
        still_held: StillHeld,
    ) -> None:
        self._model = model
        self._generation = generation
        self._reader = reader
        self._topics = topics
        self._position = position
        self._still_held = still_held
        self._projector = Projector(model, generation.store, reader)

    async def switch(self, limit_s: float = LIMIT_S) -> None:
        """Make the generation the live one. Raises SwitchDeferredError after `limit_s`, UnfoldableEventError,
        StoreUnavailableError.
        """
        end = time.monotonic() + limit_s
        attempt = 0
        while True:
            await self._most(end)
            try:
                await self._generation.switch(self._rest)
                return
            except SwitchDeferredError as error:
                if time.monotonic() > end:
                    raise
                log.info("%s: %s", self._model.name, error)
            await asyncio.sleep(random.uniform(0.5, 1.0) * min(0.1 * 2**attempt, PAUSE_MOST_S))
            attempt += 1

    async def _most(self, end: float) -> None:
        """Until little is left: what came within the time of one batch."""
        while (head := await self._reader.head()) - self._position > LITTLE:
            await self._batch(head)
            if time.monotonic() > end:
                raise SwitchDeferredError(
                    f"events come faster than the {self._model.name} read model that is being built takes them in; "
                    f"replay it when less is written"
                )

    async def _rest(self) -> None:
        """Under the live one's lock. What is appended from now on, the live one has not seen."""
        head = await self._reader.head()
        if head - self._position > REST:
            raise SwitchDeferredError(f"{head - self._position} events came before the switch; catching up again")
        try:
            async with asyncio.timeout(LOCK_LIMIT_S):
                while self._position < head:
                    await self._batch(head)
                await self._still_held()
        except TimeoutError:
            raise SwitchDeferredError(f"the last events took longer than {LOCK_LIMIT_S:.0f} s; trying again") from None

    async def _batch(self, head: int) -> int:
        """What is left of the events up to `head` may be none: then it is as far as that."""
        events = await self._reader.after(self._position, BATCH)
        position = (events[-1].position or head) if events else head
        if events or position > self._position:
            own = [event for event in events if event.event_type in self._model.event_types]
            await self._projector.apply(own, uniform_positions(self._model, self._topics, position))
            self._position = position
        return len(events)
