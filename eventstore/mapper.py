"""The one codec between a DomainEvent and its stored bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import Mapper, StoredEvent
from pydantic_core import from_json

from contracts.access import collection_of
from contracts.codec import encode
from contracts.documents import DocumentContent
from contracts.envelope import DomainEvent
from contracts.limits import MAX_EVENT_BYTES
from contracts.lines import file_of_line
from contracts.reasoning import ReasoningQueryExecuted
from contracts.unvalidated import decode_fields
from eventstore.errors import EventTooLargeError
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS, LogIds
from eventstore.sealed_events import SEALED_KINDS, StreamKey, key_of, seal_event
from security.errors import UnknownKeyError

Note = dict[str, Any]


class DocumentNote(NamedTuple):
    """Which document a stream is of, its collection and the file that it is a line of, empty where there is none."""

    document_id: str
    collection: str
    file: str


@dataclass(frozen=True)
class SealedEvent(StoredEvent):
    """A stored event, and what is noted beside it: the key that sealed it, its document, documents it rests on."""

    key: StreamKey
    tenant: str
    document: DocumentNote | None = None
    questions: tuple[Note, ...] = ()


class DomainEventMapper(Mapper[UUID]):
    """Stored as canonical JSON under the event type's name, so that the envelope reads without our code."""

    # The library's events know their streams. Ours cannot: a stream may follow from the log's secret.
    def to_stored_event(self, domain_event: DomainEvent) -> StoredEvent:  # type: ignore[override]
        """In the clear. The position is the table's own column, so it stays out of the bytes. Raises
        EventTooLargeError."""
        state = encode(domain_event)
        _check_size(domain_event, len(state))
        return StoredEvent(
            originator_id=PUBLIC_IDS.stream(AggregateKey.of(domain_event)),
            originator_version=domain_event.aggregate_version,
            topic=str(domain_event.event_type),
            state=state,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEvent:  # type: ignore[override]
        """Older schema versions are upcast. Raises MalformedEventError, NewerSchemaError, and UnknownKeyError for an
        event that is sealed, which `eventstore.reader` opens."""
        fields = from_json(bytes(stored_event.state))
        if key_of(fields) is not None:
            raise UnknownKeyError()
        return decode_fields(fields, bytes(stored_event.state))


def sealed(event: DomainEvent, keys: Mapping[UUID, StreamKey], ids: LogIds, mapper: DomainEventMapper) -> StoredEvent:
    """As it is to be stored: sealed, where its kind is. Raises EventTooLargeError."""
    if event.kind not in SEALED_KINDS:
        return mapper.to_stored_event(event)
    stream = ids.stream(AggregateKey.of(event))
    key = keys[stream]
    state, size = seal_event(event, stream, key)
    _check_size(event, size)
    document: DocumentNote | None = None
    questions: tuple[Note, ...] = ()
    match event.event_data:
        case DocumentContent(attributes=attributes):
            document = DocumentNote(event.aggregate_id, collection_of(attributes), file_of_line(attributes))
        case ReasoningQueryExecuted() as executed:
            own = {"originator_id": str(stream), "tenant": event.tenant}
            questions = tuple({**own, "document_id": one} for one in _rests_on(executed))
    return SealedEvent(
        stream, event.aggregate_version, str(event.event_type), state, key, event.tenant, document, questions
    )


def _rests_on(executed: ReasoningQueryExecuted) -> list[str]:
    parts = (executed.sources, executed.steps, executed.candidates)
    return list(dict.fromkeys(one.document_id for part in parts for one in part))


def _check_size(event: DomainEvent, size: int) -> None:
    """Of its bytes in the clear, as Kafka carries them."""
    if size > MAX_EVENT_BYTES:
        raise EventTooLargeError(
            f"{event.event_type} of {event.kind} {event.aggregate_id} takes {size:,} "
            f"bytes and the limit is {MAX_EVENT_BYTES:,}; nothing was stored: send less, or in several pieces"
        )
