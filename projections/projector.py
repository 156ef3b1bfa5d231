"""Live projection: events in any order, any number of times, to a read model that is always right."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence

from contracts.batches import batches
from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from projections.changes import Change, Positions, ReadModel
from projections.errors import StaleVersionError, UnfoldableEventError
from projections.states import bytes_of, fold, needed_from
from projections.store import Store

TRIES = 5

Batch = Mapping[AggregateKey, Mapping[int, DomainEvent]]
"""Events by aggregate and version."""


class Projector:
    """Folds what is newer than the read model. What is missing is fetched from the event store."""

    def __init__(
        self,
        model: ReadModel,
        store: Store,
        reader: EventReader,
        model_revision: Callable[[], Awaitable[str | None]] | None = None,
    ) -> None:
        """`model_revision`: of the model whose outputs the store's generation is made of now, where another one may
        take its place at any moment; what the store is given then is of that one, or refused by it as stale.
        """
        self._model = model
        self._store = store
        self._reader = reader
        self._model_revision = model_revision
        self._bound: ReadModel | None = None

    @property
    def name(self) -> str:
        """The read model's name."""
        return self._model.name

    @property
    def event_types(self) -> frozenset[EventType]:
        """What it follows."""
        return self._model.event_types

    async def apply(self, events: Sequence[DomainEvent], positions: Positions) -> None:
        """Bring the read model to these events and remember the positions: in one transaction, or, where large
        aggregates have to be fetched, in several, the positions in the last.

        Raises UnfoldableEventError, StoreUnavailableError.
        """
        batch: dict[AggregateKey, dict[int, DomainEvent]] = defaultdict(dict)
        for event in events:
            batch[AggregateKey.of(event)][event.aggregate_version] = event
        for attempt in range(TRIES):
            remembered = self._bound is not None
            try:
                await self._write(batch, positions)
                return
            except (StaleVersionError, UnfoldableEventError) as error:
                self._bound = None
                # What cannot be folded of a model that was replaced may be of the one that took its place.
                if attempt == TRIES - 1 or (isinstance(error, UnfoldableEventError) and not remembered):
                    raise

    async def _model_now(self) -> ReadModel:
        """Asked for once: a store refuses what is of another model than its generation, as stale."""
        if self._bound is None:
            self._bound = self._model if self._model_revision is None else self._model.of(await self._model_revision())
        return self._bound

    async def _write(self, batch: Batch, positions: Positions) -> None:
        known = await self._store.versions(batch) if batch else {}
        # Kafka may deliver once more what was erased since; the log says what is left of it.
        new = batch.keys() - known.keys()
        erased = await self._reader.erased(new) if new else frozenset()
        waiting: list[Change] = []
        async for news in self._news(batch, known, erased):
            for folded in batches([(key, fold(own)) for key, own in news.items()], lambda one: bytes_of(one[1])):
                if waiting:
                    await self._store.write(waiting, {})
                model = await self._model_now()
                sections = await model.sections(folded)
                waiting = [
                    Change(key, known.get(key, 0), news[key][-1].aggregate_version, rows, model.reading)
                    for (key, _), rows in zip(folded, sections, strict=True)
                ]
        await self._store.write(waiting, positions)

    def _needed_from(self, event: DomainEvent) -> int:
        return needed_from(event, chunks_say_content=self._model.chunks_say_content)

    async def _news(
        self, batch: Batch, known: Mapping[AggregateKey, int], erased: Collection[AggregateKey]
    ) -> AsyncIterator[dict[AggregateKey, list[DomainEvent]]]:
        """The events to be folded of each aggregate that has newer ones."""
        complete: dict[AggregateKey, list[DomainEvent]] = {}
        incomplete: dict[AggregateKey, int] = {}
        for key, by_version in batch.items():
            there = known.get(key, 0)
            newer = [by_version[version] for version in sorted(by_version) if version > there]
            if not newer:
                continue
            whole = [event.aggregate_version for event in newer] == list(range(there + 1, there + 1 + len(newer)))
            if key in erased or not whole:
                incomplete[key] = 1  # a hole: nobody knows what the events there would need
            elif (first := min(self._needed_from(one) for one in newer)) <= there:
                incomplete[key] = first
            else:
                complete[key] = newer
        if complete:
            yield complete
        found: set[AggregateKey] = set()
        async for fetched in self._reader.in_batches(incomplete):
            # What was erased has no events any more, and there is nothing to be folded.
            gone = {key for key, own in fetched.items() if not own}
            found.update(key for key, own in fetched.items() if own and own[-1].aggregate_version >= max(batch[key]))
            yield {key: own for key, own in fetched.items() if key in found}
            found |= gone
        for key in incomplete.keys() - found:
            raise UnfoldableEventError(
                f"{key.kind} {key.aggregate_id}: version {max(batch[key])} is not in the event store"
            )
