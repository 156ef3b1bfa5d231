"""How much of the log a read model holds, and a build that holds as much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.brief_event import FoldableEvent
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import Change, ReadModel
from projections.states import fold
from projections.store import Store

BATCH = 500
AGGREGATES = 50


@dataclass(frozen=True, slots=True)
class Extent:
    """All events up to `position`, and beyond it those up to each aggregate's version."""

    position: int
    versions: Mapping[AggregateKey, int]

    def __contains__(self, event: FoldableEvent) -> bool:
        assert event.position is not None
        return event.position <= self.position or event.aggregate_version <= self.versions.get(
            AggregateKey.of(event), 0
        )


class Build:
    """What is built of a read model in `store`: the events of `extent`."""

    def __init__(self, model: ReadModel, store: Store, reader: EventReader, extent: Extent) -> None:
        self._model = model
        self._store = store
        self._reader = reader
        self._extent = extent
        self._left_out: int | None = None
        self._seen = 0

    def wants(self, event: FoldableEvent) -> bool:
        """Whether the event is within the extent; remembers where the first is that is not."""
        assert event.position is not None
        self._seen = max(self._seen, event.position)
        if event in self._extent:
            return True
        self._left_out = min(event.position, self._left_out or event.position)
        return False

    async def follow(self, extent: Extent) -> None:
        """Take in what is within this extent and was not within the one before. Raises UnfoldableEventError,
        StoreUnavailableError.
        """
        if extent == self._extent:
            return
        self._extent = extent
        position = self._seen if self._left_out is None else self._left_out - 1
        self._left_out = None
        while events := await self._reader.after(position, BATCH):
            position = events[-1].position or position
            own = [event for event in events if event.event_type in self._model.event_types and self.wants(event)]
            keys = list(dict.fromkeys(map(AggregateKey.of, own)))
            for start in range(0, len(keys), AGGREGATES):
                await self._take(keys[start : start + AGGREGATES])

    async def _take(self, keys: Sequence[AggregateKey]) -> None:
        known = await self._store.versions(keys)
        # Folded anew from the first event on, but no further than the extent goes.
        async for histories in self._reader.in_batches(dict.fromkeys(keys, 1)):
            wanted = {key: [event for event in events if event in self._extent] for key, events in histories.items()}
            newer = {
                key: events
                for key, events in wanted.items()
                if events and events[-1].aggregate_version > known.get(key, 0)
            }
            sections = await self._model.sections([(key, fold(events)) for key, events in newer.items()])
            changes = [
                Change(key, known.get(key, 0), events[-1].aggregate_version, rows, self._model.reading)
                for (key, events), rows in zip(newer.items(), sections, strict=True)
            ]
            await self._store.write(changes, {})
