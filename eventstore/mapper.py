"""The one codec between a DomainEvent and its stored bytes."""

from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from contracts.codec import encode
from contracts.envelope import DomainEvent
from contracts.limits import MAX_EVENT_BYTES
from contracts.unvalidated import decode_unvalidated
from eventstore.errors import EventTooLargeError


class DomainEventMapper(Mapper[UUID]):
    """Stored as canonical JSON under the event type's name, so that the table reads without our code."""

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """The position is the table's own column, so it stays out of the bytes. Raises EventTooLargeError."""
        assert isinstance(domain_event, DomainEvent)
        state = encode(domain_event)
        if len(state) > MAX_EVENT_BYTES:
            raise EventTooLargeError(
                f"{domain_event.event_type} of {domain_event.kind} {domain_event.aggregate_id} takes {len(state):,} "
                f"bytes and the limit is {MAX_EVENT_BYTES:,}; nothing was stored: send less, or in several pieces"
            )
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=str(domain_event.event_type),
            state=state,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Older schema versions are upcast. Raises MalformedEventError, NewerSchemaError."""
        return decode_unvalidated(bytes(stored_event.state))
