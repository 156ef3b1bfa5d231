"""What is left of an event whose contents were erased: that there was one."""

from typing import Any
from uuid import UUID

from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.payload import Payload


class Erased(Payload):
    """Nobody can say any more what the event said; folds pass over it. It is stored nowhere: readers make it."""


def erased_event(fields: dict[str, Any], aggregate_id: str, position: int | None) -> DomainEvent:
    """The marker for a stored event, from the fields of it that are in the clear."""
    return DomainEvent.model_construct(
        event_id=UUID(fields["event_id"]),
        event_type=EventType(fields["event_type"]),
        schema_version=fields["schema_version"],
        aggregate_id=aggregate_id,
        aggregate_version=fields["aggregate_version"],
        event_data=Erased(),
        metadata=EventMetadata(**fields["metadata"]),
        timestamp=fields["timestamp"],
        correlation_id=fields["correlation_id"],
        causation_id=None,
        position=position,
        recorded_at=None,
    )
