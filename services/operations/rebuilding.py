"""Building read models anew, to live on or to be compared: one at a time of each, whoever asks."""

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from contracts.errors import AnnalsError
from contracts.topics import Topics
from eventstore.errors import StoreUnavailableError
from eventstore.generations import RegisteredGeneration
from eventstore.locks import HeldLocks, LockHeldError, holding
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from projections.errors import OldSchemaError
from projections.generations import Generations
from projections.projection import Projection
from projections.replay import Report, replay
from projections.verify import Verdict, verify
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import READ_MODELS

log = logging.getLogger(__name__)

FORMER = {"replay": "next", "verify": "verify"}
"""What each kind of work built before generations had ids."""
REBUILD_LIMIT_S = 7 * 86_400.0
"""What an edge grants a replay or a verification, which read the whole log."""
LEFTOVERS_LIMIT_S = 600.0
COUNT_LIMIT_S = 600.0
"""For a count of the whole log."""


class RebuildRunningError(AnnalsError):
    """The same read model is being built by another process; try again when that is done."""


class Rebuilding:
    """`claim` sees that the servers of the read models are there, and this log's; it raises where they are not.

    Every method raises DeadlineExceededError.
    """

    def __init__(
        self,
        dsn: str,
        projections: Mapping[str, Projection],
        reader: EventReader,
        positions: ConsumerPositions,
        topics: Topics,
        claim: Callable[[], Awaitable[None]],
        generations: Generations,
    ) -> None:
        self._dsn = dsn
        self._projections = projections
        self._reader = reader
        self._positions = positions
        self._topics = topics
        self._claim = claim
        self._generations = generations

    async def aggregates(self, names: Sequence[str], *, deadline: Deadline) -> int:
        """How many aggregates these read models are built from. Raises StoreUnavailableError."""
        kinds = {kind for name in names for kind in self._projections[name].model.kinds}
        async with deadline.enforce("counting aggregates"):
            return await self._reader.count_aggregates(kinds)

    async def outdated(self, *, deadline: Deadline) -> dict[str, str]:
        """Open every read model: why those cannot be that are of an older schema, by name.

        Raises what `claim` raises, StoreUnavailableError, ReadModelReplacedError.
        """
        why: dict[str, str] = {}
        async with deadline.enforce("opening the read models"):
            await self._claim()
            for name, projection in self._projections.items():
                try:
                    await projection.store.open()
                except OldSchemaError as error:
                    why[name] = str(error)
        return why

    async def replay(
        self, caller: Caller, names: Sequence[str], report: Report, *, deadline: Deadline
    ) -> dict[str, int]:
        """Build these read models anew, of every tenant, together; rows by name.

        `report` gets the aggregates done so far. Raises RebuildRunningError, what `claim` raises, and what
        `projections.replay` raises.
        """
        caller.require("projections", "execute")
        async with deadline.enforce("the replay"):
            await self._claim()
            await self.remove_leftovers(deadline=deadline)
            return await self._replay(names, report)

    async def _replay(self, names: Sequence[str], report: Report) -> dict[str, int]:
        async with self._alone("replay", names) as locks:
            chosen = [(self._projections[name].model, self._projections[name].store) for name in names]
            rows = await replay(chosen, self._generations, self._reader, self._topics, report, locks.check)
            for name in names:
                await self._positions.advance(name, await self._projections[name].store.positions())
            return rows

    async def verify(self, caller: Caller, name: str, report: Report, *, deadline: Deadline) -> Verdict:
        """Compare one read model with its events. Raises RebuildRunningError, and what `projections.verify` raises."""
        caller.require("projections", "execute")
        async with deadline.enforce("the verification"), self._alone("verify", [name]):
            one = self._projections[name]
            return await verify(one.model, one.store, self._generations, self._reader, self._topics, report)

    async def remove_leftovers(self, *, deadline: Deadline) -> None:
        """Drop what a replay or a verification left behind that was killed.

        A read model's server that does not answer keeps its own for the next time. Raises StoreUnavailableError where
        PostgreSQL does not answer.
        """
        async with deadline.enforce("removing leftovers"):
            await self._generations.remove_expired()
            for work, former in FORMER.items():
                for name in READ_MODELS:
                    try:
                        async with holding(self._dsn, [f"{work} {name}"]):
                            await self._projections[name].store.generation(former).discard()
                    except LockHeldError:
                        log.debug("%s %s is at work", work, name)
                    except StoreUnavailableError as error:
                        log.warning("%s: what an older version left is removed later: %s", name, error)

    async def generations(self, caller: Caller, *, deadline: Deadline) -> list[RegisteredGeneration]:
        """Every generation, by read model, oldest first. Raises StoreUnavailableError."""
        caller.require("projections", "read")
        async with deadline.enforce("listing generations"):
            return await self._generations.registry.all()

    async def drop(self, caller: Caller, generation_id: str, *, deadline: Deadline) -> RegisteredGeneration:
        """Remove a generation that nobody works on, and that is not live.

        Raises GenerationNotFoundError, GenerationInUseError, StoreUnavailableError.
        """
        caller.require("projections", "execute")
        async with deadline.enforce("dropping the generation"):
            return await self._generations.drop(generation_id)

    @contextlib.asynccontextmanager
    async def _alone(self, work: str, names: Sequence[str]) -> AsyncIterator[HeldLocks]:
        try:
            async with holding(self._dsn, [f"{work} {name}" for name in names]) as locks:
                yield locks
        except LockHeldError as held:
            raise RebuildRunningError(f"`annals {held}` runs already; try again when it is done") from None
