"""Live projection: events in any order, any number of times, to a read model that is always right."""

from collections import defaultdict
from collections.abc import Sequence

from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import Change, Positions, ReadModel
from projections.errors import StaleVersionError, UnfoldableEventError
from projections.states import fold, speaks_for_itself
from projections.store import Store

TRIES = 5


class Projector:
    """Folds what is newer than the read model. What is missing is fetched from the event store."""

    def __init__(self, model: ReadModel, store: Store, reader: EventReader) -> None:
        self._model = model
        self._store = store
        self._reader = reader

    @property
    def name(self) -> str:
        """The read model's name."""
        return self._model.name

    @property
    def event_types(self) -> frozenset[EventType]:
        """What it follows."""
        return self._model.event_types

    async def apply(self, events: Sequence[DomainEvent], positions: Positions) -> None:
        """Bring the read model to these events and remember the positions, in one transaction.

        Raises UnfoldableEventError, StoreUnavailableError.
        """
        batch: dict[AggregateKey, dict[int, DomainEvent]] = defaultdict(dict)
        for event in events:
            batch[AggregateKey.of(event)][event.aggregate_version] = event
        for attempt in range(TRIES):
            try:
                await self._store.write(await self._changes(batch), positions)
                return
            except StaleVersionError:
                if attempt == TRIES - 1:
                    raise

    async def _changes(self, batch: dict[AggregateKey, dict[int, DomainEvent]]) -> list[Change]:
        known = await self._store.versions(batch) if batch else {}
        news: dict[AggregateKey, list[DomainEvent]] = {}
        incomplete: list[AggregateKey] = []
        for key, by_version in batch.items():
            newer = [by_version[version] for version in sorted(by_version) if version > known.get(key, 0)]
            if not newer:
                continue
            if _follows(known.get(key, 0), newer):
                news[key] = newer
            else:
                incomplete.append(key)
        # A hole, or an event that amends what is there: then the aggregate is folded from its first event on.
        news.update(await self._reader.of_aggregates(incomplete) if incomplete else {})
        for key in incomplete:
            if key not in news or news[key][-1].aggregate_version < max(batch[key]):
                raise UnfoldableEventError(
                    f"{key.kind} {key.aggregate_id}: version {max(batch[key])} is not in the event store"
                )
        sections = await self._model.sections([(key, fold(own)) for key, own in news.items()])
        return [
            Change(key, known.get(key, 0), own[-1].aggregate_version, rows)
            for (key, own), rows in zip(news.items(), sections, strict=True)
        ]


def _follows(known: int, newer: Sequence[DomainEvent]) -> bool:
    """Whether these come right behind what is known, and need nothing of it."""
    expected = range(known + 1, known + 1 + len(newer))
    versions = [event.aggregate_version for event in newer]
    return versions == list(expected) and all(speaks_for_itself(event) for event in newer)
