"""From events to the changes that a store is given."""

from collections.abc import Sequence

from contracts.envelope import DomainEvent
from eventstore.keys import AggregateKey
from projections.changes import Change, ReadModel
from projections.projector import Projector
from projections.states import fold
from projections.store import Store
from tests.projections.history import History, keys_of


async def change(model: ReadModel, events: Sequence[DomainEvent], previous: int = 0) -> Change:
    """What leads one aggregate from `previous` to the last of its events: `events` are all it has, from the first."""
    (key,) = keys_of(events)
    (sections,) = await model.sections([(key, fold(events))])
    return Change(key, previous, events[-1].aggregate_version, sections)


async def changes(model: ReadModel, events: Sequence[DomainEvent]) -> list[Change]:
    """The same for every aggregate of these events, none of which is in the store yet."""
    return [await change(model, own) for own in by_aggregate(events).values()]


def by_aggregate(events: Sequence[DomainEvent]) -> dict[AggregateKey, list[DomainEvent]]:
    """Each aggregate's events, in their order."""
    return {key: [event for event in events if keys_of([event]) == [key]] for key in keys_of(events)}


async def digests(store: Store) -> dict[str, str]:
    """What is in the store, by part."""
    async with store.snapshot() as snapshot:
        return await snapshot.digests()


async def rows(store: Store) -> list[str]:
    """Every row of every part as text."""
    async with store.snapshot() as snapshot:
        return [row for part in sorted(await snapshot.digests()) async for row in snapshot.rows(part)]


async def follow(projector: Projector, history: History) -> None:
    """Bring a read model to everything that happened; what it knows already is passed over."""
    events = [event for event in await history.all() if event.event_type in projector.event_types]
    await projector.apply(events, {})
