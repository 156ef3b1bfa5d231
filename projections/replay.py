"""Rebuilding a read model from nothing, straight from the event store, while the live one goes on serving."""

import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from contracts.envelope import DomainEvent
from contracts.topics import Topics
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import Change, Positions, ReadModel
from projections.pictures import fold
from projections.projector import Projector
from projections.store import Generation, Store

CATCH_UP = 500
BULK_ALLOCATIONS = 100_000
"""Objects between two looks of the garbage collector while building."""

Wanted = Callable[[DomainEvent], bool]
Report = Callable[[int], None]


async def replay(model: ReadModel, store: Store, reader: EventReader, topics: Topics, report: Report) -> int:
    """Build the next generation and switch to it; returns its rows. `report` gets the aggregates done so far.

    A rebuild fails on an event that live processing would set aside, and then leaves the live one as it is.
    Raises UnfoldableEvent, StoreUnavailable.
    """
    head = await reader.head()
    generation = store.generation("next")
    try:
        rows = await build(model, generation, reader, up_to=head, report=report)
        await generation.finish(everywhere(model, topics, head))
        projector = Projector(model, generation.store, reader)
        reached = head

        async def catch_up() -> None:
            nonlocal reached
            while events := await reader.after(reached, CATCH_UP):
                reached = events[-1].position or reached
                own = [event for event in events if event.event_type in model.event_types]
                await projector.apply(own, everywhere(model, topics, reached))

        await catch_up()
        await generation.switch(catch_up)
        return rows
    except BaseException:
        await generation.discard()
        raise


async def build(
    model: ReadModel,
    generation: Generation,
    reader: EventReader,
    *,
    up_to: int,
    report: Report,
    wanted: Wanted = lambda _: True,
) -> int:
    """Load every aggregate, folded from its events up to a position and as far as they are wanted."""
    await generation.begin()
    rows = done = 0
    with _few_collections():
        async for changes in _folded(model, reader, up_to, wanted):
            rows += await generation.load(changes)
            done += len(changes)
            report(done)
    return rows


def everywhere(model: ReadModel, topics: Topics, position: int) -> Positions:
    """One position for every partition that the read model follows."""
    followed = {topics.of(event_type) for event_type in model.event_types}
    return {(topic.name, partition): position for topic in followed for partition in range(topic.partitions)}


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


async def _folded(model: ReadModel, reader: EventReader, up_to: int, wanted: Wanted) -> AsyncIterator[Sequence[Change]]:
    async for aggregates in reader.aggregates(model.kinds, up_to):
        kept = [own for events in aggregates if (own := [event for event in events if wanted(event)])]
        keys = [AggregateKey(own[0].tenant, own[0].kind, own[0].aggregate_id) for own in kept]
        sections = await model.sections([(key, fold(own)) for key, own in zip(keys, kept, strict=True)])
        yield [
            Change(key, 0, own[-1].aggregate_version, rows) for key, own, rows in zip(keys, kept, sections, strict=True)
        ]
