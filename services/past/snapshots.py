"""A snapshot of today, made by schedule: an as-of of the last hours begins with it instead of with nothing."""

import asyncio
import logging
import random
from collections.abc import Mapping
from datetime import UTC, datetime

from contracts.errors import AnnalsError
from contracts.topics import Topics
from eventstore.generations import GenerationExistsError, RegisteredGeneration
from eventstore.locks import LockHeldError, holding
from eventstore.reader import EventReader
from projections.as_of import SNAPSHOT, make_as_of
from projections.generations import Generations
from projections.projection import Projection
from services.past.served import served_at
from services.processing.present_embedder import ServingEmbedders
from services.processing.present_reading import ServingReadings

log = logging.getLogger(__name__)

FIRST_S = 60.0
"""After its start a process has other things to do."""
RATE = 200.0
"""Aggregates a second, at most, of what is built from nothing: the process has live events to follow."""
KEPT = 2.0
"""Intervals after which one expires that no other took the place of."""
DUE = 1.25
"""Intervals that one is still kept for when the next is made, at most."""


class KeepSnapshots:
    """Of all read models, one at a time: the next is made of the former, which is led to where the log is now.

    Every method raises StoreUnavailableError.
    """

    def __init__(
        self,
        dsn: str,
        projections: Mapping[str, Projection],
        generations: Generations,
        reader: EventReader,
        topics: Topics,
        embedders: ServingEmbedders,
        readings: ServingReadings,
    ) -> None:
        self._dsn = dsn
        self._projections = projections
        self._generations = generations
        self._reader = reader
        self._topics = topics
        self._embedders = embedders
        self._readings = readings

    async def keep_made(self, every_s: float) -> None:
        """One in so many seconds, until cancelled; what goes wrong is tried again. Never one where that is 0."""
        if not every_s:
            return
        await asyncio.sleep(min(FIRST_S, every_s))
        while True:
            try:
                if (position := await self.make(every_s)) is not None:
                    log.info("snapshot of the read models as of position %d", position)
            except AnnalsError as error:
                log.warning("a snapshot of the read models is made later: %s", error)
            await asyncio.sleep(every_s * random.uniform(0.9, 1.0))

    async def make(self, every_s: float) -> int | None:
        """Make the one that is due, kept for twice as long as it is until the next; returns its position. None where
        none is due, or another process makes it.

        Raises GenerationExistsError where somebody makes one by the same name, UnfoldableEventError.
        """
        try:
            async with holding(self._dsn, [SNAPSHOT]):
                if not await self._is_due(every_s):
                    return None
                position = await self._reader.head()
                try:
                    await self._make(position, every_s)
                except GenerationExistsError:
                    # One that is too far away, or that was made by other inputs.
                    for one in await self._snapshots():
                        await self._generations.drop(one.id)
                    await self._make(position, every_s)
                return position
        except LockHeldError:
            return None

    async def _make(self, position: int, every_s: float) -> None:
        await make_as_of(
            [(one.model, one.store) for one in self._projections.values()],
            SNAPSHOT,
            position,
            self._generations,
            self._reader,
            self._topics,
            lambda _: None,
            expires_s=KEPT * every_s,
            rate=RATE,
            revisions=await served_at(position, self._embedders, self._readings),
        )

    async def _is_due(self, every_s: float) -> bool:
        now = datetime.now(UTC)
        kept = [
            one
            for one in await self._snapshots()
            if one.state == "ready"
            and (one.expires_at is None or (one.expires_at - now).total_seconds() > DUE * every_s)
        ]
        return {one.read_model for one in kept} != set(self._projections)

    async def _snapshots(self) -> list[RegisteredGeneration]:
        return [one for one in await self._generations.registry.all() if one.purpose == SNAPSHOT]
