"""Why an event happens: who, through what, because of which event, and under which id."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

from contracts import ids
from contracts.envelope import DomainEvent, EventMetadata, new_event
from contracts.errors import AnnalsError
from contracts.lazy_sequence import LazySequence
from contracts.payload import Payload


class RefusedError(AnnalsError):
    """The aggregate does not allow what was asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Cause:
    """`event_id` is given where a second try must get the same id."""

    metadata: EventMetadata
    correlation_id: str
    causation_id: UUID | None = None
    event_id: UUID | None = None
    timestamp: datetime | None = None

    def event(self, payload: Payload, aggregate_id: str, version: int) -> DomainEvent:
        """`payload` as event number `version` of the aggregate."""
        return new_event(
            payload,
            aggregate_id=aggregate_id,
            aggregate_version=version,
            metadata=self.metadata,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
            event_id=self.event_id,
            timestamp=self.timestamp,
        )

    def events(self, parts: Sequence[Payload], aggregate_id: str, version: int) -> Sequence[DomainEvent]:
        """The parts of one result as events from number `version` on; only the first has the id that is given.

        Each is made when asked for, the same each time.
        """
        if len(parts) == 1:
            return (self.event(parts[0], aggregate_id, version),)
        first, at = self.event_id or uuid4(), self.timestamp or datetime.now(UTC)

        def event(index: int) -> DomainEvent:
            own = replace(self, event_id=ids.part_id(first, index + 1), timestamp=at)
            return own.event(parts[index], aggregate_id, version + index)

        return LazySequence(len(parts), event)
