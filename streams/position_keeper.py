"""Positions of a process's consumers, kept at most every half second, of all of them together.

Each batch of each consumer moves on, and one that is kept a moment later only makes events come again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping

from contracts.topics import Partition
from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool
from eventstore.positions import ConsumerPositions

PAUSE_S = 0.5


class PositionKeeper(ConsumerPositions):
    """Where nothing was kept for a while, positions are at once; while the database is away, they wait."""

    def __init__(self, pool: PostgresPool) -> None:
        super().__init__(pool)
        self._waiting: dict[str, dict[Partition, int]] = defaultdict(dict)
        self._keeping: asyncio.Task[None] | None = None

    async def advance(self, consumer: str, positions: Mapping[Partition, int]) -> None:
        """Has them kept soon. Raises nothing."""
        self._add(consumer, positions)
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep(), name="keeping positions")

    def _add(self, consumer: str, positions: Mapping[Partition, int]) -> None:
        waiting = self._waiting[consumer]
        for partition, position in positions.items():
            waiting[partition] = max(position, waiting.get(partition, -1))

    async def _keep(self) -> None:
        while self._waiting:
            positions, self._waiting = self._waiting, defaultdict(dict)
            try:
                await self.advance_all(positions)
            except StoreUnavailableError:
                for consumer, own in positions.items():
                    self._add(consumer, own)
            await asyncio.sleep(PAUSE_S)
