"""No event that the contracts allow is larger than an event may be: worked out from the payloads' own bounds."""

import json
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from contracts import headers
from contracts.codec import MalformedEventError, canonical, encode
from contracts.documents import DocumentContent, StageResult, TextReference
from contracts.envelope import DomainEvent, EventMetadata, new_event
from contracts.event_types import EventType
from contracts.inbox import decode_inbox
from contracts.limits import MAX_ATTRIBUTES_BYTES, MAX_EVENT_BYTES, PART_BYTES
from contracts.payload import ID_BYTES, Attributes, Identifier, Payload
from contracts.registry import PAYLOADS

ESCAPED = 6
"""Most bytes that JSON spells one character with."""
KAFKA_BYTES = 1024 * 1024
"""What a broker takes as it is shipped, a record's key, headers and overhead included."""


def largest(annotation: Any, metadata: list[Any]) -> int:
    """The most bytes of JSON that a field of this type can take. Raises AssertionError for one that has no bound."""
    if annotation == Attributes:
        return MAX_ATTRIBUTES_BYTES
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return largest(arguments[0], [*arguments[1:], *metadata])
    if origin in (Union, UnionType):
        return max(largest(argument, metadata) for argument in arguments)
    if origin is Literal:
        return max(len(canonical(argument)) for argument in arguments)
    if origin is tuple:
        return 2 + _bound(metadata) * (1 + largest(arguments[0], []))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return largest_of(annotation)
    if annotation in (int, float):
        return 25
    if annotation in (bool, NoneType):
        return 5
    assert annotation is str, annotation
    if _of_identifier in _parts(metadata):
        return 2 + 2 * ID_BYTES  # of UTF-8, without control characters: only a quotation mark takes two
    if any(getattr(part, "pattern", None) == "^[0-9a-f]{64}$" for part in _parts(metadata)):
        return 2 + 64
    return 2 + ESCAPED * _bound(metadata)


_of_identifier = get_args(Identifier)[-1]


def _parts(metadata: list[Any]) -> list[Any]:
    return [part for item in metadata for part in (item, *getattr(item, "metadata", ()))]


def _bound(metadata: list[Any]) -> int:
    bounds = [bound for part in _parts(metadata) if (bound := getattr(part, "max_length", None)) is not None]
    assert bounds, f"has no bound: {metadata}"
    return int(min(bounds))


def largest_of(model: type[BaseModel]) -> int:
    """Of a whole part or payload; the items of a stage's result are cut to PART_BYTES."""
    bulk = model.item_fields if issubclass(model, StageResult) else ()
    size = 2 + (PART_BYTES if bulk else 0)
    for name, field in model.model_fields.items():
        size += len(name) + 4
        if name not in bulk:
            size += largest(field.rebuild_annotation(), [])
    return size


def envelope() -> int:
    """Everything but the payload, of an event with the longest values there are."""
    longest = new_event(
        PAYLOADS[EventType.DOCUMENT_DELETED](),
        aggregate_id='"' * ID_BYTES,
        aggregate_version=2**31,
        metadata=EventMetadata(tenant="t" * 63, actor="\x01" * 256, source="\x01" * 256),
        correlation_id='"' * 128,
        causation_id=uuid4(),
    ).at(2**63 - 1)
    return len(encode(longest))


@pytest.mark.parametrize("event_type", EventType)
def test_no_payload_within_its_bounds_makes_too_large_an_event(event_type: EventType) -> None:
    payload: type[Payload] = PAYLOADS[event_type]
    assert envelope() + largest_of(payload) <= MAX_EVENT_BYTES


def test_what_kafka_adds_fits_into_the_rest() -> None:
    event = json.loads(
        encode(
            new_event(
                PAYLOADS[EventType.DOCUMENT_DELETED](),
                aggregate_id="a" * ID_BYTES,
                aggregate_version=2**31,
                metadata=EventMetadata(tenant="t" * 63),
                correlation_id="c" * 128,
                causation_id=UUID(int=2**128 - 1),
            ).at(2**63 - 1)
        )
    )
    said = headers.of_event(event, datetime.max.replace(tzinfo=UTC), 2**31) | headers.retried(
        {"id": 2**63 - 1, "retry_token": UUID(int=2**128 - 1)}
    )
    position = len(str(2**63 - 1))  # stands where the stored event says null
    # A record batch of one takes 61 bytes before its record, and a record at most 21 and 10 for each header (KIP-98).
    overhead = 61 + 21 + sum(len(name) + len(value) + 10 for name, value in said.items()) + ID_BYTES + position
    assert MAX_EVENT_BYTES + overhead < KAFKA_BYTES


def inbox(attributes: dict[str, Any]) -> bytes:
    """A message with these attributes."""
    return json.dumps(
        {
            "event_id": str(uuid4()),
            "event_type": "DocumentIngested",
            "aggregate_id": "d",
            "event_data": {"title": "", "text": "Ada.", "attributes": attributes},
            "timestamp": "2024-05-01T14:30:00Z",
        }
    ).encode()


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": "x" * MAX_ATTRIBUTES_BYTES},
        {"a": "\U0001f30d" * (MAX_ATTRIBUTES_BYTES // 4)},
        {str(number): number for number in range(MAX_ATTRIBUTES_BYTES // 10)},
    ],
)
def test_attributes_that_are_too_many_are_refused_in_one_line(attributes: dict[str, Any]) -> None:
    fault = r"event_data\.attributes: (Value error, )?take [0-9,]+ bytes as JSON and the limit is 262,144; send less"
    with pytest.raises(MalformedEventError, match=fault):
        decode_inbox(inbox(attributes))


def test_attributes_up_to_the_limit_are_taken() -> None:
    attributes = {"a": "x" * (MAX_ATTRIBUTES_BYTES - len('{"a":""}'))}
    assert decode_inbox(inbox(attributes)).event_data.attributes == attributes


def test_an_older_event_with_more_attributes_still_reads() -> None:
    content = DocumentContent(
        title="t",
        text=TextReference(digest="a" * 64, characters=1, bytes=1),
        attributes={"a": "x" * (2 * MAX_ATTRIBUTES_BYTES)},
    )
    payload = PAYLOADS[EventType.DOCUMENT_INGESTED].model_validate(content.model_dump())
    event = new_event(payload, aggregate_id="d", aggregate_version=1, metadata=EventMetadata(), correlation_id="c")
    assert DomainEvent.model_validate_json(encode(event)) == event
