"""The one codec between a DomainEvent and its stored bytes."""

from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from contracts.codec import encode
from contracts.envelope import DomainEvent
from contracts.unvalidated import decode_unvalidated


class DomainEventMapper(Mapper[UUID]):
    """Stored as canonical JSON under the event type's name, so that the table reads without our code."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The position is the table's own column, so it stays out of the bytes."""
        assert isinstance(domain_event, DomainEvent)
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=str(domain_event.event_type),
            state=encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Older shapes are upcast. Raises MalformedEventError."""
        return decode_unvalidated(bytes(stored_event.state))
