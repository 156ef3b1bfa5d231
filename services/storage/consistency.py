"""Read your writes: an answer that is at least as new as a position that the caller knows."""

import asyncio
from collections.abc import Sequence

from contracts.topics import Topics
from eventstore.errors import StoreUnavailableError
from eventstore.positions import low_watermark
from projections.changes import ReadModel, uniform_positions
from projections.store import Store
from services.deadline import Deadline, DeadlineExceededError

POLL_S = 0.05


class BehindError(StoreUnavailableError):
    """The read models are not as far as was asked for; ask again later, or see `annals status` for what is slow."""


class ReadYourWrites:
    """Raises StoreUnavailableError."""

    def __init__(self, models: Sequence[tuple[ReadModel, Store]], topics: Topics) -> None:
        """`models` with their stores; their positions are in the partitions of `topics`."""
        self._followed = [(store, uniform_positions(model, topics, 0)) for model, store in models]

    async def until(self, position: int, *, deadline: Deadline) -> None:
        """Return once every read model has all events up to `position`. Raises BehindError at the deadline."""
        try:
            async with deadline.enforce("waiting for the read models"):
                while await self._low_watermark() < position:  # noqa: ASYNC110  # other processes write them
                    await asyncio.sleep(POLL_S)
        except DeadlineExceededError:
            raise BehindError() from None

    async def _low_watermark(self) -> int:
        found = await asyncio.gather(*(store.positions() for store, _ in self._followed))
        return min(
            low_watermark(positions, partitions)
            for positions, (_, partitions) in zip(found, self._followed, strict=True)
        )
