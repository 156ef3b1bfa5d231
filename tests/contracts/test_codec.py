"""Canonical JSON: every event has one spelling, comes back from it whole, and faults are named."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codec import MalformedEventError, canonical, decode, encode
from contracts.documents import DocumentDeleted
from contracts.envelope import EventMetadata, new_event
from contracts.event_types import EventType
from tests.contracts.strategies import events

DELETED = new_event(
    DocumentDeleted(reason="gone"),
    aggregate_id="d1",
    aggregate_version=3,
    metadata=EventMetadata(tenant="acme", actor="ada", source="test"),
    correlation_id="c1",
    event_id=UUID(int=1),
    timestamp=datetime(2024, 5, 1, 12, 30, tzinfo=UTC),
)


@pytest.mark.parametrize("event_type", EventType)
@settings(max_examples=8)
@given(data=st.data())
def test_every_event_comes_back_whole(event_type: EventType, data: st.DataObject) -> None:
    event = data.draw(events(event_type))
    written = encode(event)

    assert decode(written) == event
    assert encode(decode(written)) == written


def test_the_spelling_is_fixed() -> None:
    assert encode(DELETED).decode() == (
        '{"aggregate_id":"d1","aggregate_version":3,"causation_id":null,"correlation_id":"c1",'
        '"event_data":{"reason":"gone"},"event_id":"00000000-0000-0000-0000-000000000001",'
        '"event_type":"DocumentDeleted","metadata":{"actor":"ada","source":"test","tenant":"acme"},'
        '"position":null,"schema_version":1,"timestamp":"2024-05-01T12:30:00Z"}'
    )


def test_order_spaces_and_offset_do_not_matter_to_what_is_read() -> None:
    fields = dict(reversed(json.loads(encode(DELETED)).items())) | {"timestamp": "2024-05-01T14:30:00+02:00"}
    assert encode(decode(json.dumps(fields, indent=3).encode())) == encode(DELETED)


def test_the_position_is_set_by_who_reads() -> None:
    assert decode(encode(DELETED), position=7) == DELETED.at(7)
    assert decode(encode(DELETED.at(7))).position == 7


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"score": float("nan")})


def changed(**fields: Any) -> bytes:
    """The good event with some fields replaced."""
    return canonical(json.loads(encode(DELETED)) | fields)


def without(field: str) -> bytes:
    """The good event short of one field."""
    return canonical({name: value for name, value in json.loads(encode(DELETED)).items() if name != field})


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b"", "Invalid JSON: EOF"),
        (b"\xff\xfe", "Invalid JSON"),
        (encode(DELETED)[:-1], "Invalid JSON: EOF"),
        (b"[" * 10_000, "Invalid JSON: recursion limit"),
        (b"[]", "message: Input should be an object"),
        (b"null", "message: Input should be an object"),
        (b"{}", "event_id: Field required; .* and 4 more"),
        (without("timestamp"), "^timestamp: Field required$"),
        (changed(timestamp="2024-05-01T12:30:00"), "^timestamp: Input should have timezone info$"),
        (changed(timestamp="0001-01-01T00:00:00+14:00"), "^timestamp: .*lies outside the years 1 to 9999 in UTC$"),
        (changed(timestamp="9999-12-31T23:59:59-00:01"), "^timestamp: .*lies outside the years 1 to 9999 in UTC$"),
        (changed(timestamp=1714566600), "^timestamp: Input should be a valid datetime"),
        (changed(event_id="one"), "^event_id: Input should be a valid UUID"),
        (changed(event_type="DocumentLost", schema_version="1"), "^event_type: Input should be 'DocumentIngested'"),
        (changed(aggregate_version=0), "^aggregate_version: .* greater than or equal to 1$"),
        (changed(aggregate_version="3"), "^aggregate_version: Input should be a valid integer$"),
        (changed(aggregate_id=""), "^aggregate_id: .* at least 1 character$"),
        (changed(aggregate_id="a\x00b"), "^aggregate_id: String should match pattern"),
        (changed(aggregate_id="\u5317" * 342), "^aggregate_id: .*takes 1026 bytes of UTF-8; an id has at most 1024$"),
        (changed(event_data={"reason": "a\x00b"}), r"^event_data\.reason: .*holds a NUL character at 1"),
        (changed(metadata={"actor": "\x00"}), r"^metadata\.actor: .*holds a NUL character at 0"),
        (changed(correlation_id="two words"), "^correlation_id: String should match pattern"),
        (changed(metadata={"tenant": "Acme Ltd"}), r"^metadata\.tenant: String should match pattern"),
        (changed(event_data={"reason": 5}), r"^event_data\.reason: Input should be a valid string$"),
        (changed(event_data={"why": "no"}), r"^event_data\.why: Extra inputs are not permitted$"),
        (changed(colour="red"), "^colour: Extra inputs are not permitted$"),
    ],
)
def test_malformed_bytes_are_refused_by_name(raw: bytes, fault: str) -> None:
    with pytest.raises(MalformedEventError, match=fault):
        decode(raw)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\x00b", r"'a\x00b'"), ("tab\t", r"'tab\t'"), ("\u202e", r"'\u202e'"), ("x" * 100_000, "x" * 64 + "...")],
)
def test_a_strange_name_is_shown_so_that_any_log_can_keep_it(name: str, shown: str) -> None:
    with pytest.raises(MalformedEventError) as refused:
        decode(changed(**{name: 1}))
    assert str(refused.value) == f"{shown}: Extra inputs are not permitted"


def test_a_fault_never_quotes_the_input() -> None:
    with pytest.raises(MalformedEventError) as refused:
        decode(changed(event_data={"reason": {"secret": "hunter2"}}))
    assert "hunter2" not in str(refused.value)
