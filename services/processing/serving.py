"""Which models serve: checked before documents are processed, and reported to the log."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from aggregates import model as models
from aggregates.cause import Cause
from aggregates.model import Model
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.system import Task
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from inference.embedder import explain
from inference.embedders import EmbedderName
from inference.model import OtherModelError
from projections.vector.reads import PassageSearch
from services.caller import Caller
from services.deadline import Deadline
from services.processing.present_embedder import WhichEmbedder

log = logging.getLogger(__name__)

MODELS_LIMIT_S = 300.0
"""What an edge grants for loading models, or for a look whether they are loaded."""
TASKS: tuple[Task, ...] = get_args(Task)
"""What a worker reports a model for."""
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class ModelOverview:
    """`serving`: of each task whose model was reported. `stored`: passages by the revision that made their vectors.
    `answering`: what the settings name for the last step of an answer, with what each does; empty by default.
    `coming`: the revision of the embedder whose vectors are being made, to take over."""

    serving: tuple[Model, ...]
    stored: Mapping[str, int]
    answering: tuple[str, ...] = ()
    coming: str | None = None


class ServingModels:
    """`which` knows the embedder that serves; `open_passages` makes the vector read model.

    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
    """

    def __init__(
        self,
        commands: Commands,
        reader: EventReader,
        passages: PassageSearch,
        which: WhichEmbedder,
        open_passages: Callable[[], Awaitable[None]],
        answering: Sequence[str] = (),
    ) -> None:
        """`answering`: as `ModelOverview` has them."""
        self._commands = commands
        self._reader = reader
        self._passages = passages
        self._which = which
        self._open_passages = open_passages
        self._answering = tuple(answering)

    async def check(self, caller: Caller, *, deadline: Deadline) -> None:
        """Before documents are embedded, see that the embedder that serves can be had here.

        Raises OtherModelError where it is not known here, and passages with its vectors are there, whichever tenant's:
        one worker serves them all. Raises InferenceError.
        """
        caller.require("models", "read")
        async with deadline.enforce("checking the embedder"):
            served = Model.project(await self._reader.of_aggregate(caller.tenant, "model", "embedding"))
            if served is None:
                return
            try:
                present = await self._which.registered()
                if present.revision is not None:
                    return
            except OtherModelError:
                log.debug("the embedder that served is not known here")
            revision = await self._which.known.own_revision()
            # Only where another one served is the vector read model asked, which a worker need not reach otherwise.
            if served.revision != revision:
                await self._open_passages()
                stored = await self._passages.models()
                if stored.keys() - {revision}:
                    raise OtherModelError(explain(revision, stored))
                await self._which.serve(revision, stored)

    async def overview(self, caller: Caller, *, deadline: Deadline) -> ModelOverview:
        """Which revisions serve, and which made what is stored."""
        caller.require("models", "read")
        async with deadline.enforce("reading which models serve"):
            found = [Model.project(await self._reader.of_aggregate(caller.tenant, "model", task)) for task in TASKS]
            stored = await self._passages.models()
            coming = await self._which.coming_revision()
        return ModelOverview(tuple(model for model in found if model is not None), stored, self._answering, coming)

    async def report(self, caller: Caller, serving: Mapping[Task, str], *, deadline: Deadline) -> None:
        """Say which revision serves each task now: an event where that is news."""
        caller.require("models", "write")
        async with deadline.enforce("reporting models"):
            await self._commands.execute_many(
                [
                    Command(
                        AggregateKey(caller.tenant, "model", task),
                        Model.project,
                        _loaded(task, revision, caller.metadata),
                    )
                    for task, revision in serving.items()
                ]
            )

    async def keep(self, caller: Caller, revision: str, name: EmbedderName, *, deadline: Deadline) -> None:
        """Say by which name every process finds the embedder of this revision, which serves here."""
        caller.require("models", "write")
        async with deadline.enforce("reporting the embedder"):
            await self._which.known.keep(revision, name)
            present = await self._which.registered()
            if present.revision is None and present.generation is not None:
                await self._which.serve(revision, await self._passages.models())

    async def until_loaded(self, caller: Caller, *, deadline: Deadline) -> None:
        """Return once a worker of the caller's tenant has reported its models."""
        caller.require("models", "read")
        async with deadline.enforce("loading the models"):
            while not await self._loaded(caller.tenant):  # noqa: ASYNC110  # a worker is another process
                await asyncio.sleep(POLL_S)

    async def _loaded(self, tenant: str) -> bool:
        return (await self._reader.seen.count_by_type(tenant)).get(EventType.MODEL_LOADED, 0) >= len(TASKS)


def _loaded(task: Task, revision: str, metadata: EventMetadata) -> Callable[[Model | None], tuple[DomainEvent, ...]]:
    cause = Cause(metadata, correlation_id=f"models-{task}")
    return lambda state: models.load(state, task, revision, cause)
