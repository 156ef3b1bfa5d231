"""Which models of entities and of relations serve: those of whose reading the live read models are made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from aggregates import model as models
from aggregates.model import Model
from contracts.envelope import DomainEvent
from contracts.readings import models_of, reading_of
from contracts.system import ModelUpdated, Task
from eventstore.commands import Command, Commands
from eventstore.embedders import EmbedderNames
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from inference.extractors import ExtractorName
from inference.runner import Inference
from projections.generations import Generations
from services.caller import Caller

READ = ("relational", "graph")
"""The read models that are made of what is found in documents. They show the same reading, always."""
TASKS: tuple[Task, Task] = ("entities", "relations")


class WhichReading:
    """`names`: what models are called, by their revisions. Every method raises StoreUnavailableError."""

    def __init__(self, generations: Generations, names: EmbedderNames) -> None:
        self._generations = generations
        self._names = names

    async def present(self) -> str | None:
        """The one that the live read models show; None where nobody said so yet: what was found first."""
        found = await self._generations.present(READ[0])
        return None if found is None else found.model_revision

    async def registered(self) -> str | None:
        """The same as the registry has it."""
        found = await self._generations.registry.live(READ[0])
        return None if found is None else found.model_revision

    async def named(self, revision: str) -> ExtractorName | None:
        """What the model of this revision is called, where it was ever named."""
        found = await self._names.find(revision)
        return None if found is None else ExtractorName(*found)

    async def keep(self, revision: str, name: ExtractorName) -> None:
        """Every process finds it by this name from now on."""
        await self._names.keep(revision, name.name, name.revision)

    async def begin(self, reading: str) -> None:
        """The live ones show this one, where nobody said so yet."""
        await self._generations.register_live()
        for read_model in READ:
            await self._generations.registry.serve(read_model, reading)


def following_reading(inference: Inference, which: WhichReading) -> Callable[[], Awaitable[None]]:
    """Has `inference` read with the models that serve now: those that somebody named, else the settings'."""
    own = inference.reading
    followed: list[str | None] = [None]

    async def follow() -> None:
        reading = await which.registered()
        if reading is None or reading == followed[0]:
            return
        entities, relations = [await which.named(revision) for revision in models_of(reading)]
        await inference.read_by(entities or own[0], relations or own[1])
        followed[0] = reading

    return follow


class ServingReadings:
    """What the log says of which models served when; `tenant` is the installation's, for they serve them all."""

    def __init__(self, commands: Commands, reader: EventReader, tenant: str) -> None:
        self._commands = commands
        self._reader = reader
        self._tenant = tenant

    async def say(self, caller: Caller, reading: str, reason: str | None) -> None:
        """These serve from now on: an event for each where that is news.

        Raises AccessDeniedError, StoreUnavailableError, ConflictError.
        """
        caller.require("projections", "execute")
        await self._commands.execute_many(
            [self._command(caller, *one, reason) for one in zip(TASKS, models_of(reading), strict=True)]
        )

    def _command(self, caller: Caller, task: Task, revision: str, reason: str | None) -> Command:
        cause = replace(caller, tenant=self._tenant).cause(f"models-{task}")
        return Command(
            AggregateKey(self._tenant, "model", task),
            Model.project,
            lambda state: models.load(state, task, revision, cause, reason),
        )

    async def known(self) -> str | None:
        """The one that serves, as workers said; None where none did yet."""
        return _reading_of([await self._events(task) for task in TASKS])

    async def at(self, position: int) -> str | None:
        """The one that served at a position of the log; None where no model had taken over until then."""
        told = [[one for one in await self._events(task) if (one.position or 0) <= position] for task in TASKS]
        if not any(isinstance(event.event_data, ModelUpdated) for events in told for event in events):
            return None
        return _reading_of(told)

    async def revisions(self, position: int) -> Mapping[str, str]:
        """The same, by the read models that are made of it."""
        reading = await self.at(position)
        return {} if reading is None else dict.fromkeys(READ, reading)

    async def _events(self, task: Task) -> list[DomainEvent]:
        return await self._reader.of_aggregate(self._tenant, "model", task)


def _reading_of(told: Sequence[Sequence[DomainEvent]]) -> str | None:
    states = [Model.project(events) for events in told]
    found = [one.revision for one in states if one is not None]
    return reading_of(*found) if len(found) == len(TASKS) else None
