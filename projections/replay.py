"""Rebuilding read models from nothing, straight from the event store, while the live ones go on serving."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from contracts.batches import batches
from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind
from contracts.topics import Topics
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.catch_up import CatchUp, StillHeld
from projections.changes import Change, ReadModel, uniform_positions
from projections.generations import Generations
from projections.states import State, bytes_of, fold
from projections.store import Generation, LiveStore

T = TypeVar("T")

BULK_ALLOCATIONS = 100_000
"""Objects between two looks of the garbage collector while building."""

NEXT = "next"
"""The purpose of a generation that is to become the live one."""
UNFINISHED_S = 86_400.0
"""How long one is kept that nobody goes on with."""

Wanted = Callable[[DomainEvent], bool]
Report = Callable[[int], None]


async def _held() -> None:
    """Nobody else can build these read models."""


async def replay(
    models: Sequence[tuple[ReadModel, LiveStore]],
    generations: Generations,
    reader: EventReader,
    topics: Topics,
    report: Report,
    still_held: StillHeld = _held,
) -> dict[str, int]:
    """Build the next generation of each read model, in one pass over the log, and switch to it; rows by name.

    `report` gets the aggregates done so far; `still_held` is asked before each switch whether nobody else can build the
    same. A rebuild fails on an event that live processing would set aside, and then leaves the live ones as they are.
    Raises UnfoldableEventError, StoreUnavailableError (SwitchDeferredError among them), and what `still_held` raises.
    """
    head = await reader.head()
    began = [await generations.begin_anew(model.name, NEXT, expires_s=UNFINISHED_S) for model, _ in models]
    building = [(model, generation) for (model, _), (_, generation) in zip(models, began, strict=True)]
    switched = 0
    async with generations.registry.leased([registered.id for registered, _ in began]):
        try:
            rows = await build(building, reader, up_to=head, report=report)
            await _together(generation.finish(uniform_positions(model, topics, head)) for model, generation in building)
            for (model, generation), (registered, _) in zip(building, began, strict=True):
                await generations.registry.ready(registered.id, rows[model.name], head)
                await CatchUp(model, generation, reader, topics, head, still_held).switch()
                await generations.switched(registered)
                switched += 1
            return rows
        except BaseException:
            for registered, _ in began[switched:]:
                await generations.discard(registered)
            raise


async def build(
    models: Sequence[tuple[ReadModel, Generation]],
    reader: EventReader,
    *,
    up_to: int,
    report: Report,
    wanted: Wanted = lambda _: True,
) -> dict[str, int]:
    """Load every aggregate, folded from its events up to a position and as far as they are wanted; rows by name."""
    for _, generation in models:
        await generation.begin()
    rows = dict.fromkeys((model.name for model, _ in models), 0)
    done = 0
    loading: asyncio.Task[list[int]] | None = None

    async def loaded() -> None:
        if loading is not None:
            for (model, _), count in zip(models, await loading, strict=True):
                rows[model.name] += count

    try:
        with _few_collections():
            async for folded in _folded(reader, {kind for model, _ in models for kind in model.kinds}, up_to, wanted):
                changes = [await _changes(model, folded) for model, _ in models]
                # One batch is loaded while the next is read and folded, and no more: memory stays bounded.
                await loaded()
                loading = asyncio.create_task(  # noqa: RUF006  # loaded() awaits it
                    _together(generation.load(own) for (_, generation), own in zip(models, changes, strict=True))
                )
                done += len(folded)
                report(done)
        await loaded()
        return rows
    finally:
        if loading is not None and not loading.done():
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """Events and rows hold no cycles, yet at its usual pace the collector walks them again and again: a fifth of the
    time of a build. Of two builds at once the first to begin sets the pace back.
    """
    usual = gc.get_threshold()
    if usual[0] >= BULK_ALLOCATIONS:
        yield
        return
    gc.set_threshold(BULK_ALLOCATIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


Folded = list[tuple[AggregateKey, int, State | None]]
"""Aggregates with their last version and their state."""


async def _folded(
    reader: EventReader, kinds: Collection[AggregateKind], up_to: int, wanted: Wanted
) -> AsyncIterator[Folded]:
    """Every aggregate, in batches that are bounded in bytes of events and of what they become."""
    async for aggregates in reader.aggregates(kinds, up_to):
        kept = (own for events in aggregates if (own := [event for event in events if wanted(event)]))
        folded = ((AggregateKey.of(own[0]), own[-1].aggregate_version, fold(own)) for own in kept)
        for batch in batches(folded, lambda aggregate: bytes_of(aggregate[2])):
            yield batch


async def _changes(model: ReadModel, folded: Folded) -> list[Change]:
    own = [aggregate for aggregate in folded if aggregate[0].kind in model.kinds]
    sections = await model.sections([(key, state) for key, _, state in own])
    return [Change(key, 0, version, rows) for (key, version, _), rows in zip(own, sections, strict=True)]


async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Side by side; when one fails the others are waited for, and the first failure is raised."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
