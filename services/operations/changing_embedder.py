"""Another embedder without a stop: its vectors are made beside those that are searched, and replace them at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from aggregates.cause import RefusedError
from inference.embedders import EmbedderName
from inference.locations import found_anywhere
from inference.runner import Inference
from projections.vector.reads import PassageReader
from services.caller import Caller
from services.deadline import Deadline
from services.operations.rebuilding import Rebuilding
from services.processing.present_embedder import VECTOR, ServingEmbedders, WhichEmbedder
from services.reasons import reason_of_caller


@dataclass(frozen=True, slots=True)
class ChangedEmbedder:
    """`passages` have vectors of `revision` now. `changed`: another one had served before, `previous` where it was
    known.
    """

    revision: str
    previous: str | None
    passages: int
    changed: bool


class ComingEmbedder(NamedTuple):
    """One that is loaded, and known to every process. `previous` serves, where that is known."""

    revision: str
    previous: str | None


class ChangeEmbedder:
    """`inference` keeps what it makes, and gives way to whoever asks meanwhile.

    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        rebuilding: Rebuilding,
        which: WhichEmbedder,
        serving: ServingEmbedders,
        passages: PassageReader,
        inference: Inference,
    ) -> None:
        self._rebuilding = rebuilding
        self._which = which
        self._serving = serving
        self._passages = passages
        self._inference = inference

    async def total(self, caller: Caller, *, deadline: Deadline) -> int:
        """Documents that are looked at."""
        caller.require("models", "administer")
        return await self._rebuilding.aggregates([VECTOR], deadline=deadline)

    async def change(
        self,
        caller: Caller,
        name: EmbedderName,
        report: Callable[[int], None],
        *,
        deadline: Deadline,
        reason: str | None = None,
        keep_s: float | None = None,
        rate: float | None = None,
        restart: bool = False,
    ) -> ChangedEmbedder:
        """Embed every passage with this one, in a generation beside the live one that follows the log, and switch: it
        and its vectors serve from one moment on, for all processes. What was live is kept for `keep_s`, to go back to.

        Called off, or killed, it goes on where it stood when it is asked for again, unless `restart`. `report` gets the
        documents done so far; `rate` is the most of them in a second. Raises InferenceError where the model cannot be
        had, RefusedError where its vectors cannot be stored, RebuildRunningError, and what a replay raises.
        """
        caller.require("models", "administer")
        why = reason_of_caller(reason)
        revision, previous = await self.prepare(caller, name, deadline=deadline)
        if previous == revision:
            # Where the change was killed right behind the switch, the log says so already.
            async with deadline.enforce("looking which embedder serves"):
                await self._serving.say(caller, revision, why)
        else:
            await self._rebuilding.replay(
                caller,
                [VECTOR],
                report,
                deadline=deadline,
                keep_s=keep_s,
                rate=rate,
                restart=restart,
                embedder=revision,
                reason=why,
            )
        async with deadline.enforce("counting passages"):
            passages = (await self._passages.models()).get(revision, 0)
        return ChangedEmbedder(revision, previous, passages, changed=previous != revision)

    async def prepare(self, caller: Caller, name: EmbedderName, *, deadline: Deadline) -> ComingEmbedder:
        """Load it, see that its vectors can be stored, and have every process find it by this name.

        Raises InferenceError where it cannot be had, RefusedError where its vectors cannot be stored.
        """
        caller.require("models", "administer")
        async with deadline.enforce("loading the embedder"):
            name = replace(name, name=await asyncio.to_thread(found_anywhere, name.name))
            revision = (await self._inference.load(name)).revision
            self._check(self._inference.dimension_of(name), revision)
            await self._which.known.keep(revision, name)
            return ComingEmbedder(revision, (await self._which.present()).revision)

    def _check(self, dimension: int, revision: str) -> None:
        most = self._passages.most_dimensions
        if not 1 <= dimension <= most:
            raise RefusedError(
                f"{revision} makes vectors of {dimension} dimensions, and the vector read model stores {most} at most; "
                "choose another embedder"
            )
