"""Building read models anew, to live on or to be compared: one at a time of each, whoever asks."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from aggregates.cause import RefusedError
from contracts.errors import AnnalsError
from contracts.topics import Topics
from eventstore.errors import StoreUnavailableError
from eventstore.generations import RegisteredGeneration
from eventstore.locks import HeldLocks, LockHeldError, holding
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from projections.back import go_back
from projections.changes import ReadModel
from projections.errors import NoFormerGenerationError, OldSchemaError
from projections.folding import Folding
from projections.generations import Generations
from projections.projection import Projection
from projections.replay import Report, replay
from projections.store import LiveStore
from projections.verify import Verdict, verify
from services.caller import Caller
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.processing.present_embedder import VECTOR, ServingEmbedders
from services.processing.present_reading import READ, ServingReadings

log = logging.getLogger(__name__)

FORMER = {"replay": ("next", "old_"), "verify": ("verify", "old_")}
"""What the generations of each kind of work were called before they had ids; `old_` with an ending."""
EVERY_S = 60.0
"""Between two looks for generations that have expired."""
REBUILD_LIMIT_S = 7 * 86_400.0
"""What an edge grants a replay or a verification, which read the whole log."""
LEFTOVERS_LIMIT_S = 600.0
BACK = "back to what was live before"
"""Why an embedder serves again that did before."""
COUNT_LIMIT_S = 600.0
"""For a count of the whole log."""


class RebuildRunningError(AnnalsError):
    """The same read model is being built by another process; try again when that is done."""


class Rebuilding:
    """`claim` sees that the servers of the read models are there, and this log's; it raises where they are not.
    `keep_s`: how long what was switched away from is kept. `folding`: where a replay folds; without it here.

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
        keep_s: float,
        embedders: ServingEmbedders,
        readings: ServingReadings,
        folding: Folding | None = None,
    ) -> None:
        self._dsn = dsn
        self._projections = projections
        self._reader = reader
        self._positions = positions
        self._topics = topics
        self._claim = claim
        self._generations = generations
        self._keep_s = keep_s
        self._embedders = embedders
        self._folding = folding
        self._readings = readings

    async def aggregates(self, names: Sequence[str], *, deadline: Deadline) -> int:
        """How many aggregates these read models are built from. Raises StoreUnavailableError."""
        kinds = {kind for name in names for kind in self._projections[name].model.kinds}
        async with deadline.enforce("counting aggregates"):
            return await self._reader.whole.count(kinds)

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
        self,
        caller: Caller,
        names: Sequence[str],
        report: Report,
        *,
        deadline: Deadline,
        keep_s: float | None = None,
        rate: float | None = None,
        restart: bool = False,
        embedder: str | None = None,
        reading: str | None = None,
        reason: str | None = None,
    ) -> dict[str, int]:
        """Build these read models anew, of every tenant, and switch to them together; rows by name.

        A build that was broken off goes on where it stood, unless `restart`. `report` gets the aggregates done so far;
        `rate` is the most of them in a second. What was live is kept for `keep_s`, by default as the settings say.
        `embedder`, `reading`: the revision of the one, and the name of the reading, that takes over with the switch,
        for this `reason`; None: the one that serves stays. Raises RebuildRunningError, what `claim` raises, and what
        `projections.replay` raises.
        """
        caller.require("projections", "execute")
        async with deadline.enforce("the replay"):
            await self._claim()
            await self.remove_leftovers(deadline=deadline)
            async with self._alone("replay", names) as locks:

                async def ready() -> None:
                    await locks.check()
                    if embedder is not None:
                        await self._embedders.say(caller, embedder, reason)
                    if reading is not None:
                        await self._readings.say(caller, reading, reason)

                rows = await replay(
                    self._chosen(names),
                    self._generations,
                    self._reader,
                    self._topics,
                    report,
                    ready,
                    keep_s=self._keep_s if keep_s is None else keep_s,
                    rate=rate,
                    restart=restart,
                    revisions=await self._revisions(embedder, reading),
                    folding=self._folding,
                )
                await self._advance(names)
            return rows

    async def back(
        self, caller: Caller, names: Sequence[str], *, deadline: Deadline, keep_s: float | None = None
    ) -> list[str]:
        """Switch these read models, together, to what was live before the last replay, once that knows what came since;
        without names all of which that is kept. Returns their names.

        Raises RebuildRunningError, NoFormerGenerationError, what `claim` raises, and what `projections.back` raises.
        """
        caller.require("projections", "execute")
        async with deadline.enforce("the switch back"):
            await self._claim()
            chosen = list(names) or [name for name in READ_MODELS if await self._generations.registry.retired(name)]
            if not chosen:
                raise NoFormerGenerationError("no former generation is kept of any read model; run: annals replay all")
            async with self._alone("replay", chosen) as locks:
                former = await self._generations.registry.retired(VECTOR) if VECTOR in chosen else None
                embedder = None if former is None else former.model_revision
                reading = await self._former_reading(chosen)

                async def ready() -> None:
                    await locks.check()
                    if embedder is not None:
                        await self._embedders.say(caller, embedder, BACK)
                    if reading is not None:
                        await self._readings.say(caller, reading, BACK)

                await go_back(
                    self._chosen(chosen),
                    self._generations,
                    self._reader,
                    self._topics,
                    ready,
                    keep_s=self._keep_s if keep_s is None else keep_s,
                )
                await self._advance(chosen)
            return chosen

    async def _former_reading(self, names: Sequence[str]) -> str | None:
        """Which one is shown after the switch back, where it is another one than is shown now.

        Raises RefusedError where one read model would show another than those do that stay.
        """
        if not set(READ) & set(names):
            return None
        # Where nobody said so, a generation shows what was found first: no other model has taken over since.
        first = await self._readings.known()
        shown: set[str | None] = set()
        for name in READ:
            kept = await self._generations.registry.retired(name) if name in names else None
            one = kept or await self._generations.present(name)
            shown.add(None if one is None else one.model_revision or first)
        present = await self._generations.present(READ[0])
        if len(shown) > 1:
            raise RefusedError(
                f"{' and '.join(READ)} were made of what different models found; go back with both: "
                f"annals replay {' '.join(READ)} --back"
            )
        (former,) = shown
        return None if present is None or former == (present.model_revision or first) else former

    async def _revisions(self, embedder: str | None, reading: str | None) -> dict[str, str]:
        """Of what the next generations are made, where that is not said by the live ones."""
        revisions: dict[str, str] = {}
        for name in READ:
            live = await self._generations.present(name)
            if reading is None and (live is None or live.model_revision is None):
                revisions |= await self._readings.revisions(await self._reader.head())
        if reading is not None:
            revisions = dict.fromkeys(READ, reading)
        if embedder is None:
            present = await self._generations.present(VECTOR)
            if present is None or present.model_revision is None:
                embedder = await self._embedders.took_over()
        return revisions if embedder is None else {**revisions, VECTOR: embedder}

    def _chosen(self, names: Sequence[str]) -> list[tuple[ReadModel, LiveStore]]:
        """In the order in which a switch wants them: `relational` is in PostgreSQL whatever the profile."""
        chosen = [self._projections[name] for name in READ_MODELS if name in names]
        return [(one.model, one.store) for one in chosen]

    async def _advance(self, names: Sequence[str]) -> None:
        """Consumers are as far as what was switched to."""
        for name in names:
            await self._positions.advance(name, await self._projections[name].store.positions())

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
            for work, name in ((work, name) for work in FORMER for name in READ_MODELS):
                try:
                    async with holding(self._dsn, [f"{work} {name}"]):
                        await self._generations.remove_former(name, FORMER[work])
                except LockHeldError:
                    log.debug("%s %s is at work", work, name)
                except StoreUnavailableError as error:
                    log.warning("%s: what an older version left is removed later: %s", name, error)

    async def keep_removing(self) -> None:
        """Remove what has expired, now and once in EVERY_S, until cancelled; where a database is away, later."""
        while True:
            try:
                for one in await self._generations.remove_expired():
                    log.info("removed: generation %s of %s, which was kept until now", one.id, one.read_model)
            except AnnalsError as error:
                log.warning("generations that have expired are removed later: %s", error)
            await asyncio.sleep(EVERY_S)

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
