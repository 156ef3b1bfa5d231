"""What a fold hands to a store: whole sections of one aggregate, and the versions they lead from and to."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from contracts.event_types import KIND_OF, AggregateKind, EventType
from contracts.topics import Partition, Topics
from eventstore.keys import AggregateKey
from projections.errors import StaleVersionError
from projections.states import State

Row = tuple[Any, ...]
Sections = Mapping[str, Sequence[Row]]
"""Table name to all rows that the aggregate has there now. A table that is not named is left alone."""

Positions = Mapping[Partition, int]
"""Up to which position of the log everything of a partition is in the read model."""


class Change(NamedTuple):
    """From version `previous` (0: unknown so far) to `version`. A deleted aggregate keeps its version: a tombstone.

    `version` may be lower than `previous`, or 0, before the aggregate's first event, where a generation is led back to
    an earlier position. `reading`: the one that the rows are of, "" where it is what was found first; None: of any.
    """

    key: AggregateKey
    previous: int
    version: int
    sections: Sections
    reading: str | None = None


def check_versions(changes: Sequence[Change], found: Mapping[AggregateKey, int]) -> None:
    """Raises StaleVersionError where an aggregate's version in the store is not the one that its change starts from."""
    for change in changes:
        if found.get(change.key, 0) != change.previous:
            raise StaleVersionError(f"{change.key.kind} {change.key.aggregate_id} was written meanwhile")


def check_reading(changes: Sequence[Change], model_revision: str | None) -> None:
    """What is written to a generation is of the reading that it shows, also where that says nothing: another one may.

    Raises StaleVersionError.
    """
    found = {change.reading for change in changes if change.reading is not None}
    if found - {model_revision or ""}:
        raise StaleVersionError("another reading of the documents took over; fold it again")


def types_of(kinds: Collection[AggregateKind]) -> frozenset[EventType]:
    """Every event type of these aggregates: a read model that left one out would see holes in versions."""
    return frozenset(event_type for event_type, kind in KIND_OF.items() if kind in kinds)


class ReadModel(Protocol):
    """What a read model is, apart from where it is stored."""

    @property
    def name(self) -> str:
        """Its name: `relational`, `graph`, `vector`."""
        ...

    @property
    def kinds(self) -> Collection[AggregateKind]:
        """The aggregates it follows."""
        ...

    @property
    def event_types(self) -> frozenset[EventType]:
        """The events it follows: all of those aggregates, so that versions have no holes."""
        ...

    @property
    def folded_types(self) -> frozenset[EventType]:
        """Those of them that its rows say something of. Of the others the versions alone count."""
        ...

    @property
    def chunks_say_content(self) -> bool:
        """Whether rows of chunks say something of their document's content: then they are folded together."""
        ...

    def of(self, model_revision: str | None) -> "ReadModel":
        """The same, made of the outputs of this model; None: of those that the events name."""
        ...

    @property
    def reading(self) -> str | None:
        """Of the documents, which its rows are made of; None where it is made of no such thing."""
        ...

    async def sections(self, states: Sequence[tuple[AggregateKey, State | None]]) -> list[Sections]:
        """The sections of each state. Raises UnfoldableEventError, StoreUnavailableError."""
        ...


def uniform_positions(model: ReadModel, topics: Topics, position: int) -> Positions:
    """One position for every partition that the read model follows."""
    followed = {topics.of(event_type) for event_type in model.event_types}
    return {partition: position for topic in followed for partition in topic.all_partitions}
