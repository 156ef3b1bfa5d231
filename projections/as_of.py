"""Generations of read models as they were at a position of the log.

One is built from the events up to it, or led there from a generation that is near: of what that one holds, only the
aggregates are folded anew of which events lie between, in either direction. What was not heard of at the position is
taken out.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from contracts.envelope import DomainEvent
from contracts.topics import Topics
from eventstore.generations import RegisteredGeneration
from eventstore.keys import AggregateKey
from eventstore.positions import low_watermark
from eventstore.reader import EventReader
from projections.changes import Change, ReadModel, uniform_positions
from projections.errors import ReadModelReplacedError
from projections.generations import Generations
from projections.replay import Report, build, inputs_of
from projections.states import fold
from projections.store import Generation, LiveStore, Store

SNAPSHOT = "snapshot"
"""The name of a generation that the next one of another name is made of, where it is near: it is taken, not copied."""
NEAR = 0.1
"""How much of the log lies at most between a position and a generation that is near it."""
EVENTS = 2_000
"""That are looked through at once."""
AGGREGATES = 50
"""That are folded and written at once."""

Models = Sequence[tuple[ReadModel, LiveStore]]


async def make_as_of(
    models: Models,
    name: str,
    position: int,
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    report: Report,
    *,
    expires_s: float | None,
    from_near: bool = True,
    rate: float | None = None,
    revisions: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, int]:
    """Make a generation of each read model that holds the events up to a position and never another one; rows by name.

    `report` gets the aggregates done so far of those that are built from nothing, and `rate` is the most of them in a
    second; `from_near`: lead those that can be.
    `revisions`: of the model that served then, by the read model that is made of its outputs.
    What was made is dropped where anything fails. Raises GenerationExistsError, UnfoldableEventError,
    StoreUnavailableError.
    """
    work = _Work(generations, reader, topics, position)
    began: list[tuple[ReadModel, RegisteredGeneration]] = []
    by: dict[str, _MadeBy] = {}
    async with AsyncExitStack() as leases:
        try:
            rows, rest = dict[str, int](), list[tuple[ReadModel, Generation]]()
            for followed, store in models:
                revision = revisions.get(followed.name)
                model, made_by = (
                    followed.of(revision),
                    _MadeBy(store.schema_version, revision, inputs_of(store, revision)),
                )
                by[model.name] = made_by
                registered = snapshot = await work.snapshot(model, name, expires_s, made_by) if from_near else None
                if registered is None:
                    registered, _ = await generations.begin(
                        model.name,
                        name,
                        expires_s=expires_s,
                        as_of=position,
                        model_revision=revision,
                        inputs=made_by.inputs,
                    )
                began.append((model, registered))
                await leases.enter_async_context(generations.registry.leased([registered.id]))
                if snapshot is not None:
                    rows[model.name] = await work.led(model, snapshot)
            for model, registered in began:
                if model.name not in rows:
                    generation = generations.of(registered)
                    count = await work.copied(model, generation, by[model.name]) if from_near else None
                    if count is None:
                        rest.append((model, generation))
                    else:
                        rows[model.name] = count
            rows |= await build(rest, reader, up_to=position, report=report, rate=rate)
            for model, generation in rest:
                await generation.finish(uniform_positions(model, topics, position))
            for model, registered in began:
                await generations.registry.ready(registered.id, rows[model.name], position)
            return rows
        except BaseException:
            for _, registered in began:
                await generations.discard(registered)
            raise


class _MadeBy(NamedTuple):
    """What a generation is made by beside the events: one that was made by another is nothing to begin with."""

    schema_version: int
    model_revision: str | None
    inputs: str

    def made(self, one: RegisteredGeneration) -> bool:
        """Nobody built the first live one, which followed the log from its beginning: it has no inputs."""
        return (
            one.schema_version == self.schema_version
            and one.model_revision == self.model_revision
            and one.inputs in (None, self.inputs)
        )


class _Work:
    """How a generation as of `position` is led there from another one."""

    def __init__(self, generations: Generations, reader: EventReader, topics: Topics, position: int) -> None:
        self._generations = generations
        self._reader = reader
        self._topics = topics
        self._position = position

    async def snapshot(
        self, model: ReadModel, name: str, expires_s: float | None, made_by: _MadeBy
    ) -> RegisteredGeneration | None:
        """The snapshot of a read model, where it is near: from now on of this name, and still to be led. The next
        snapshot is made of it, too.
        """
        registry = self._generations.registry
        found = await registry.find(model.name, SNAPSHOT)
        if found is None or found.as_of is None or not await self._is_near(found.as_of):
            return None
        if not made_by.made(found):
            return None
        if found.as_of > self._position and not self._generations.of(found).goes_back:
            return None
        return await registry.adopt(model.name, SNAPSHOT, name, self._position, expires_s=expires_s)

    async def led(self, model: ReadModel, snapshot: RegisteredGeneration) -> int:
        """Its rows, when it is at the position. It holds what it was built up to, wherever it is to be."""
        assert snapshot.position is not None and snapshot.rows is not None, "it was ready"
        store = self._generations.of(snapshot).store
        return snapshot.rows + await self._lead(model, store, snapshot.position, snapshot.position)

    async def copied(self, model: ReadModel, generation: Generation, made_by: _MadeBy) -> int | None:
        """The rows of a copy of the nearest one that is led to the position; None where none is near, or is copied."""
        followed = uniform_positions(model, self._topics, 0)
        found: list[tuple[int, int | None, Store]] = []
        for one in await self._generations.registry.all():
            if one.read_model == model.name and one.state in ("live", "ready", "retired") and made_by.made(one):
                store = self._generations.store_of(one)
                try:
                    held = one.as_of if one.as_of is not None else low_watermark(await store.positions(), followed)
                except ReadModelReplacedError:  # it was dropped after it was found
                    continue
                if await self._is_near(held):
                    found.append((abs(self._position - held), one.as_of, store))
        if not found:
            return None
        _, as_of, source = min(found, key=lambda one: one[0])
        copied = await generation.begin_as(source)
        if copied is None:
            return None
        # The live one went on meanwhile; one that was led back still says how far it once was.
        held = as_of if as_of is not None else low_watermark(copied.positions, followed)
        return copied.rows + await self._lead(model, generation.store, held, await self._reader.head())

    async def _lead(self, model: ReadModel, store: Store, held: int, seen: int) -> int:
        more = await lead(model, store, self._reader, held=held, to=self._position, seen=seen)
        await store.write([], uniform_positions(model, self._topics, self._position))
        return more

    async def _is_near(self, held: int) -> bool:
        return abs(self._position - held) <= NEAR * await self._reader.head()


async def lead(model: ReadModel, store: Store, reader: EventReader, *, held: int, to: int, seen: int) -> int:
    """Make `store` hold exactly the events up to the position `to`; by how many rows it grew.

    It holds all events up to `held`, and beyond it, of some aggregates, some up to `seen`. Nobody else writes it.
    Raises UnfoldableEventError, StoreUnavailableError.
    """
    position, done, rows = min(held, to), set[AggregateKey](), 0
    while position < max(seen, to):
        keys, position = await reader.touched(model.event_types, position, max(seen, to), EVENTS)
        new = [key for key in keys if key not in done]
        done.update(new)
        for start in range(0, len(new), AGGREGATES):
            rows += await _fold_anew(model, store, reader, new[start : start + AGGREGATES], to)
    return rows


async def _fold_anew(model: ReadModel, store: Store, reader: EventReader, keys: Sequence[AggregateKey], to: int) -> int:
    known, rows = await store.versions(keys), 0
    async for histories in reader.in_batches(dict.fromkeys(keys, 1)):
        led = [one for key, events in histories.items() if (one := _Led.of(key, events, known.get(key, 0), to)).moves]
        # One state of an aggregate at a time: a read model asks for what belongs to it by its key.
        before = await model.sections([(one.key, fold(one.held)) for one in led])
        then = await model.sections([(one.key, fold(one.wanted)) for one in led])
        # What the state that is there brought, and the wanted one says nothing of, goes.
        changes = [
            Change(one.key, one.version, one.wanted_version, {**dict.fromkeys(old, ()), **new}, model.reading)
            for one, old, new in zip(led, before, then, strict=True)
        ]
        rows += sum(sum(map(len, new.values())) for new in then) - sum(sum(map(len, old.values())) for old in before)
        await store.write(changes, {})
    return rows


@dataclass(frozen=True, slots=True)
class _Led:
    """An aggregate that is at `version`, with the events that it holds, and those that it is to hold."""

    key: AggregateKey
    version: int
    held: Sequence[DomainEvent]
    wanted: Sequence[DomainEvent]

    @classmethod
    def of(cls, key: AggregateKey, events: Sequence[DomainEvent], version: int, to: int) -> "_Led":
        """From `version` to the position `to`."""
        # Of one that was erased and taken in again the first versions are missing.
        held = [event for event in events if event.aggregate_version <= version]
        wanted = [event for event in events if event.position is not None and event.position <= to]
        return cls(key, version, held, wanted)

    @property
    def wanted_version(self) -> int:
        """0 where it is not there yet."""
        return self.wanted[-1].aggregate_version if self.wanted else 0

    @property
    def moves(self) -> bool:
        """Whether anything is to be done."""
        return self.version != self.wanted_version
