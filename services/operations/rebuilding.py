"""Building read models anew, to live on or to be compared: one at a time of each, whoever asks."""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from contracts.errors import AnnalsError
from contracts.topics import Topics
from eventstore.locks import HeldLocks, LockHeldError, holding
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from projections.projection import Projection
from projections.replay import Report, discard, replay
from projections.verify import Verdict, verify
from services.operations.progress import READ_MODELS

log = logging.getLogger(__name__)

PURPOSES = {"replay": "next", "verify": "verify"}
"""The generation that each kind of work builds."""


class RebuildRunningError(AnnalsError):
    """The same read model is being built by another process; try again when that is done."""


class Rebuilding:
    """`claim` sees that the servers of the read models are there, and this log's; it raises where they are not."""

    def __init__(
        self,
        dsn: str,
        projections: Mapping[str, Projection],
        reader: EventReader,
        positions: ConsumerPositions,
        topics: Topics,
        claim: Callable[[], Awaitable[None]],
    ) -> None:
        self._dsn = dsn
        self._projections = projections
        self._reader = reader
        self._positions = positions
        self._topics = topics
        self._claim = claim

    async def replay(self, names: Sequence[str], report: Report) -> dict[str, int]:
        """Build these read models anew, together; rows by name. `report` gets the aggregates done so far.

        Raises RebuildRunningError, what `claim` raises, and what `projections.replay` raises.
        """
        await self._claim()
        await self.remove_leftovers()
        async with self._alone("replay", names) as locks:
            chosen = [(self._projections[name].model, self._projections[name].store) for name in names]
            rows = await replay(chosen, self._reader, self._topics, report, locks.check)
            for name in names:
                await self._positions.advance(name, await self._projections[name].store.positions())
            return rows

    async def verify(self, name: str, report: Report) -> Verdict:
        """Compare one read model with its events. Raises RebuildRunningError, and what `projections.verify` raises."""
        async with self._alone("verify", [name]):
            one = self._projections[name]
            return await verify(one.model, one.store, self._reader, self._topics, report)

    async def remove_leftovers(self) -> None:
        """Drop what a replay or a verification left behind that was killed.

        A read model's server that does not answer keeps its own for the next time. Raises StoreUnavailableError where
        PostgreSQL does not answer.
        """
        for work, purpose in PURPOSES.items():
            for name in READ_MODELS:
                try:
                    async with holding(self._dsn, [f"{work} {name}"]):
                        await discard(name, self._projections[name].store.generation(purpose))
                except LockHeldError:
                    log.debug("%s %s is at work: what it builds stays", work, name)

    @contextlib.asynccontextmanager
    async def _alone(self, work: str, names: Sequence[str]) -> AsyncIterator[HeldLocks]:
        try:
            async with holding(self._dsn, [f"{work} {name}" for name in names]) as locks:
                yield locks
        except LockHeldError as held:
            raise RebuildRunningError(f"`annals {held}` runs already; try again when it is done") from None
