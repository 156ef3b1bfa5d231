"""Which embedder serves: the one of whose vectors the live vector read model is made."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from aggregates import model as models
from aggregates.model import Model
from contracts.envelope import DomainEvent
from contracts.system import ModelUpdated
from eventstore.commands import Command, Commands
from eventstore.embedders import EmbedderNames
from eventstore.generations import RegisteredGeneration
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from inference.embedder import explain
from inference.embedders import EmbedderName
from inference.model import OtherModelError
from projections.generations import Generations
from projections.replay import NEXT
from services.caller import Caller

VECTOR = "vector"
"""The read model that is made of what an embedder says."""


@dataclass(frozen=True, slots=True)
class PresentEmbedder:
    """`revision`: None where nobody said yet whose vectors are stored; the settings' embedder serves then.
    `generation`: the live one of the vector read model, which another one takes the place of.
    """

    name: EmbedderName
    revision: str | None
    generation: str | None


class KnownEmbedders:
    """`own` is the settings' embedder, which serves where no other one does; `own_revision` computes its revision.

    Every method raises StoreUnavailableError.
    """

    def __init__(self, names: EmbedderNames, own: EmbedderName, own_revision: Callable[[], str]) -> None:
        self._names = names
        self.own = own
        self._own_revision = own_revision
        self._known: dict[str, EmbedderName] = {}

    async def named(self, revision: str) -> EmbedderName:
        """What the embedder of this revision is called. Raises OtherModelError where nobody knows it."""
        if revision not in self._known:
            found = await self._names.find(revision)
            if found is not None:
                self._known[revision] = EmbedderName(*found).computing(revision)
            elif await self.own_revision() == revision:
                self._known[revision] = self.own.computing(revision)
            else:
                raise OtherModelError(explain(await self.own_revision(), {revision: 1}))
        return self._known[revision]

    async def own_revision(self) -> str:
        """Of the settings' embedder. Raises InferenceError."""
        return await asyncio.to_thread(self._own_revision)

    async def keep(self, revision: str, name: EmbedderName) -> None:
        """Every process finds it by this name from now on."""
        await self._names.keep(revision, name.name, name.revision)
        self._known[revision] = name.computing(revision)


class WhichEmbedder:
    """Every method raises StoreUnavailableError, and where the embedder that serves is not known OtherModelError."""

    def __init__(self, generations: Generations, known: KnownEmbedders) -> None:
        self._generations = generations
        self.known = known

    async def present(self) -> PresentEmbedder:
        """The one that serves now."""
        return await self._of(await self._generations.present(VECTOR))

    async def registered(self) -> PresentEmbedder:
        """The same as the registry has it, which may be a moment late, and needs no other database."""
        return await self._of(await self._generations.registry.live(VECTOR))

    async def coming(self) -> EmbedderName | None:
        """The one that is about to take its place, where one is."""
        revision = await self.coming_revision()
        return None if revision is None else await self.known.named(revision)

    async def coming_revision(self) -> str | None:
        """The same by its revision; it may be the one that serves, whose vectors are replayed."""
        found = await self._generations.registry.find(VECTOR, NEXT)
        return None if found is None else found.model_revision

    async def serve(self, revision: str, stored: Mapping[str, int]) -> None:
        """This one serves where nobody said yet which one does, or nothing is stored, and none of the vectors that are
        stored, by revision, is of another one.
        """
        if not stored.keys() - {revision}:
            await self._generations.registry.serve(VECTOR, revision, anew=not stored)

    async def _of(self, live: RegisteredGeneration | None) -> PresentEmbedder:
        if live is None or live.model_revision is None:
            return PresentEmbedder(self.known.own, None, None if live is None else live.id)
        return PresentEmbedder(await self.known.named(live.model_revision), live.model_revision, live.id)


class ServingEmbedders:
    """What the log says of which embedder served when; `tenant` is the installation's, for one serves them all."""

    def __init__(self, commands: Commands, reader: EventReader, tenant: str) -> None:
        self._commands = commands
        self._reader = reader
        self._tenant = tenant

    async def say(self, caller: Caller, revision: str, reason: str | None) -> None:
        """This one serves from now on: an event where that is news.

        Raises AccessDeniedError, StoreUnavailableError, ConflictError.
        """
        caller.require("projections", "execute")
        cause = replace(caller, tenant=self._tenant).cause("models-embedding")
        await self._commands.execute(
            Command(
                AggregateKey(self._tenant, "model", "embedding"),
                Model.project,
                lambda state: models.load(state, "embedding", revision, cause, reason),
            )
        )

    async def at(self, position: int) -> str | None:
        """The revision that served at a position of the log; None where none did."""
        events = await self._events()
        state = Model.project(event for event in events if (event.position or 0) <= position)
        return None if state is None else state.revision

    async def took_over(self) -> str | None:
        """The revision that serves, where others served before it: documents may name several."""
        events = await self._events()
        if not any(isinstance(event.event_data, ModelUpdated) for event in events):
            return None
        state = Model.project(events)
        return None if state is None else state.revision

    async def _events(self) -> list[DomainEvent]:
        return await self._reader.of_aggregate(self._tenant, "model", "embedding")
