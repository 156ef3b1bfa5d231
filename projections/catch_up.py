"""Bringing a generation that was built, or kept aside, to the end of the log."""

import time

from contracts.topics import Topics
from eventstore.positions import low_watermark
from eventstore.reader import EventReader
from projections.changes import ReadModel, uniform_positions
from projections.errors import SwitchDeferredError
from projections.projector import Projector
from projections.store import Generation

BATCH = 500
LITTLE = 100
"""Positions that are left when the switch is tried."""
REST = 1_000
"""Positions that are caught up with under the live one's lock, at most."""


class CatchUp:
    """Follows the log from `position` on, which the generation is built up to."""

    def __init__(
        self, model: ReadModel, generation: Generation, reader: EventReader, topics: Topics, position: int
    ) -> None:
        self.generation = generation
        self._model = model
        self._reader = reader
        self._topics = topics
        self._position = position
        self._projector = Projector(model, generation.store, reader)

    @classmethod
    async def of(cls, model: ReadModel, generation: Generation, reader: EventReader, topics: Topics) -> "CatchUp":
        """From where the generation is by its own positions. Raises StoreUnavailableError."""
        position = low_watermark(await generation.store.positions(), uniform_positions(model, topics, 0))
        return cls(model, generation, reader, topics, position)

    @property
    def name(self) -> str:
        """The read model's."""
        return self._model.name

    async def most(self, end: float) -> None:
        """Until little is left: what came within the time of one batch.

        Raises SwitchDeferredError after `end`, UnfoldableEventError, StoreUnavailableError.
        """
        while (head := await self._reader.head()) - self._position > LITTLE:
            await self._batch(head)
            if time.monotonic() > end:
                raise SwitchDeferredError(
                    f"events come faster than the {self._model.name} read model that is being built takes them in; "
                    f"replay it when less is written"
                )

    async def rest(self) -> None:
        """Under the live one's lock. What is appended from now on, the live one has not seen.

        Raises SwitchDeferredError where that is much, UnfoldableEventError, StoreUnavailableError.
        """
        head = await self._reader.head()
        if head - self._position > REST:
            raise SwitchDeferredError(f"{head - self._position} events came before the switch; catching up again")
        while self._position < head:
            await self._batch(head)

    async def _batch(self, head: int) -> int:
        """What is left of the events up to `head` may be none: then it is as far as that."""
        events = await self._reader.after(self._position, BATCH)
        position = (events[-1].position or head) if events else head
        if events or position > self._position:
            own = [event for event in events if event.event_type in self._model.event_types]
            await self._projector.apply(own, uniform_positions(self._model, self._topics, position))
            self._position = position
        return len(events)
