"""Another model of entities, or of relations, without a stop: documents are read by it ahead, and shown so at once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from aggregates.cause import RefusedError
from contracts.readings import models_of
from inference.cached import CachedModel
from inference.extractors import ExtractorName
from inference.locations import found_anywhere
from inference.model import OtherModelError
from inference.runner import Inference
from services.caller import Caller
from services.deadline import Deadline
from services.operations.rebuilding import Rebuilding
from services.processing.present_reading import READ, TASKS, ServingReadings, WhichReading
from services.processing.rereading import Readers, Rereading
from services.reasons import reason_of_caller

LOOK_S = 1.0
"""Between two looks at what came in while read models are built."""

ReadingTask = Literal["entities", "relations"]


@dataclass(frozen=True, slots=True)
class ChangedReading:
    """`revision` does the task now. `changed`: another one had, `previous`."""

    task: str
    revision: str
    previous: str
    changed: bool


class ComingReading(NamedTuple):
    """What `revision` finds, together with the other task's model: a reading. `previous` does the task now."""

    reading: str
    revision: str
    previous: str


class ChangeReading:
    """`inference` keeps what it makes, and gives way to whoever asks meanwhile.

    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        rebuilding: Rebuilding,
        which: WhichReading,
        serving: ServingReadings,
        rereading: Rereading,
        inference: Inference,
    ) -> None:
        self._rebuilding = rebuilding
        self._which = which
        self._serving = serving
        self._rereading = rereading
        self._inference = inference
        self._own = inference.reading

    async def total(self, caller: Caller, *, deadline: Deadline) -> int:
        """What `change` reports of: documents that are read, and aggregates that are built."""
        caller.require("models", "administer")
        async with deadline.enforce("counting documents"):
            documents = await self._rereading.total()
        return documents + await self._rebuilding.aggregates(READ, deadline=deadline)

    async def change(
        self,
        caller: Caller,
        task: ReadingTask,
        name: ExtractorName,
        report: Callable[[int], None],
        *,
        deadline: Deadline,
        reason: str | None = None,
        keep_s: float | None = None,
        rate: float | None = None,
        restart: bool = False,
    ) -> ChangedReading:
        """Have this one find entities, or relations: every document is read by it while what the former one found is
        shown, then the read models that show what it found are built beside the live ones, and all switch together.
        What was live is kept for `keep_s`, to go back to.

        Called off, or killed, it goes on where it stood when it is asked for again. `report` gets what is done so far
        of `total`; `rate` is the most documents, and then aggregates, in a second. Raises InferenceError where the
        model cannot be had, RefusedError where it cannot be told from others, RebuildRunningError, and what a replay
        raises.
        """
        caller.require("models", "administer")
        why = reason_of_caller(reason)
        present, by, coming = await self._coming(task, name, deadline)
        previous, revision = coming.previous, coming.revision
        seen = 0

        def reported(done: int) -> None:
            nonlocal seen
            seen = done
            report(done)

        async with deadline.enforce("reading documents again"):
            await self._which.begin(present)
            position = await self._rereading.follow(by, 0, reported, rate)
        if previous == revision:
            # Where the change was killed right behind the switch, the log says so already.
            await self._serving.say(caller, by.reading, why)
        else:
            before = seen
            async with self._following(by, position):
                await self._rebuilding.replay(
                    caller,
                    READ,
                    lambda done: report(before + done),
                    deadline=deadline,
                    keep_s=keep_s,
                    rate=rate,
                    restart=restart,
                    reading=by.reading,
                    reason=why,
                )
            # What was read by the former one until the switch.
            async with deadline.enforce("reading the last documents again"):
                await self._rereading.follow(by, position)
        return ChangedReading(task, revision, previous, changed=previous != revision)

    async def prepare(
        self,
        caller: Caller,
        task: ReadingTask,
        name: ExtractorName,
        report: Callable[[int], None],
        *,
        deadline: Deadline,
        rate: float | None = None,
    ) -> ComingReading:
        """Every document is read by it, ahead of a change that may never come: nobody is shown what it finds.

        `report` gets the documents done so far. Raises as `change`, and RefusedError where it serves already.
        """
        caller.require("models", "administer")
        _, by, coming = await self._coming(task, name, deadline)
        if coming.previous == coming.revision:
            raise RefusedError(f"{coming.revision} serves already; name another model")
        async with deadline.enforce("reading documents again"):
            position = await self._rereading.follow(by, 0, report, rate)
            await self._rereading.follow(by, position)
        return coming

    async def _coming(
        self, task: ReadingTask, name: ExtractorName, deadline: Deadline
    ) -> tuple[str, Readers, ComingReading]:
        """The present reading, the models of the coming one, loaded, and what it is."""
        async with deadline.enforce("loading the model"):
            name = replace(name, name=await asyncio.to_thread(found_anywhere, name.name))
            present, by = await self._readers(task, name)
        at = TASKS.index(task)
        return present, by, ComingReading(by.reading, models_of(by.reading)[at], models_of(present)[at])

    async def _readers(self, task: ReadingTask, name: ExtractorName) -> tuple[str, Readers]:
        """The present reading, and the models of the coming one, loaded."""
        model = await self._inference.extractor(name)
        await self._which.keep(model.revision, name)
        present = await self._which.present() or await self._serving.known()
        if present is None:
            raise RefusedError("no worker has loaded models yet; start one first: annals up")
        entities, relations = [await self._loaded(*one) for one in zip(models_of(present), self._own, strict=True)]
        try:
            by = Readers(model, relations) if task == "entities" else Readers(entities, await self._relations(name))
            by.reading  # noqa: B018  # raises where it has no name
        except ValueError:
            raise RefusedError(f"the model {name.name!r} is called as none can be; rename its folder") from None
        return present, by

    async def _relations(self, name: ExtractorName) -> CachedModel:
        return await asyncio.to_thread(self._inference.parser, name)

    async def _loaded(self, revision: str, own: ExtractorName) -> CachedModel:
        """The one that serves now. Raises OtherModelError where nobody knows it by a name."""
        model = await self._inference.extractor(await self._which.named(revision) or own)
        if model.revision != revision:
            raise OtherModelError(f"{revision} serves, and the settings name {model.revision}; name that one first")
        await self._which.keep(revision, await self._which.named(revision) or own)
        return model

    @contextlib.asynccontextmanager
    async def _following(self, by: Readers, position: int) -> AsyncIterator[None]:
        """What comes in meanwhile is read, too."""

        async def follow(after: int) -> None:
            while True:
                await asyncio.sleep(LOOK_S)
                after = await self._rereading.follow(by, after)

        following = asyncio.create_task(follow(position), name="rereading")
        try:
            yield
        finally:
            following.cancel()
            # What it failed of is met again behind the switch.
            await asyncio.gather(following, return_exceptions=True)
