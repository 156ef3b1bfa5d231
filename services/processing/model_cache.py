"""What models said of texts, kept by their revisions: how much, and thrown away where it is no longer needed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from aggregates import model as models
from aggregates.cause import RefusedError
from aggregates.model import Model
from contracts.envelope import DomainEvent
from contracts.system import CacheCleared, ModelLoaded, ModelUpdated, Task
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.outputs import ModelOutputs
from eventstore.reader import EventReader
from projections.vector.reads import PassageSearch
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.reasons import reason_of_caller

TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many outputs of which revision were thrown away."""

    revision: str
    entries: int


class ModelCache:
    """Of all tenants: one worker serves them all, and a text of two is kept once.

    Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(self, commands: Commands, reader: EventReader, outputs: ModelOutputs, passages: PassageSearch) -> None:
        self._commands = commands
        self._reader = reader
        self._outputs = outputs
        self._passages = passages

    async def kept(self, caller: Caller, *, deadline: Deadline) -> dict[str, int]:
        """How many outputs are kept of each revision."""
        caller.require("models", "read")
        async with deadline.enforce("counting what models said"):
            return await self._outputs.counts()

    async def clear(self, caller: Caller, revision: str, *, reason: str | None = None, deadline: Deadline) -> Cleared:
        """Throw away what this revision said; asked again, a text costs its model again.

        Raises NotFoundError for a revision that never served, RefusedError for an embedder whose vectors are still in
        use, ConflictError.
        """
        caller.require("models", "administer")
        why = reason_of_caller(reason)
        async with deadline.enforce("clearing what a model said"):
            task = await self._task(caller.tenant, revision)
            embedder = Model.project(await self._reader.of_aggregate(caller.tenant, "model", "embedding"))
            used = (await self._passages.models()).get(revision, 0)
            if used or (embedder is not None and embedder.revision == revision):
                raise RefusedError(
                    f"{used} passages have their vectors of {revision}, and a read model is built from those; have "
                    "another one take over first: annals models set embedder NAME"
                )
            entries = (await self._outputs.counts()).get(revision, 0)
            cause = caller.cause(f"models-{task}")

            def decide(state: Model | None) -> Sequence[DomainEvent]:
                return models.clear_cache(state, revision, entries, why, cause)

            await self._commands.execute(Command(AggregateKey(caller.tenant, "model", task), Model.project, decide))
            # Behind the event: broken off, it is asked for again, and what is left is told of then.
            await self._outputs.clear(revision)
        return Cleared(revision, entries)

    async def _task(self, tenant: str, revision: str) -> Task:
        """The first that it serves, or served."""
        for task in TASKS:
            for event in await self._reader.of_aggregate(tenant, "model", task):
                match event.event_data:
                    case ModelLoaded(revision=known) | ModelUpdated(revision=known) | CacheCleared(revision=known):
                        if known == revision:
                            return task
        raise NotFoundError(f"no model {revision!r} serves, or served; `annals models list` shows what does")
