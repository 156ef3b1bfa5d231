"""The inbox message: what any producer may write, and what it is told when it wrote something else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.codec import MalformedEventError
from contracts.inbox import decode_inbox

GOOD: dict[str, Any] = {
    "event_id": "5f0c3c0e-6f0e-4d55-8b39-0d1a4c9b3a11",
    "event_type": "DocumentIngested",
    "aggregate_id": "report",
    "event_data": {"title": "Report", "text": "Ada met Charles."},
    "timestamp": "2024-05-01T14:30:00+02:00",
}


def written(**fields: Any) -> bytes:
    """The good message with some fields replaced."""
    return json.dumps(GOOD | fields).encode()


def document(**fields: Any) -> bytes:
    """The good message with some fields of its document replaced."""
    return written(event_data=GOOD["event_data"] | fields)


def without(field: str) -> bytes:
    """The good message short of one field."""
    return json.dumps({name: value for name, value in GOOD.items() if name != field}).encode()


def test_the_least_a_producer_must_say() -> None:
    event = decode_inbox(written())

    assert event.event_id == UUID("5f0c3c0e-6f0e-4d55-8b39-0d1a4c9b3a11")
    assert (event.aggregate_id, event.schema_version) == ("report", 1)
    assert (event.event_data.title, event.event_data.text) == ("Report", "Ada met Charles.")
    assert (event.event_data.uri, event.event_data.attributes) == (None, {})
    assert (event.metadata.tenant, event.metadata.actor, event.metadata.source) == (None, "unknown", None)
    assert event.occurred == datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
    assert (event.correlation_id, event.causation_id) == (None, None)


def test_everything_a_producer_may_say() -> None:
    event = decode_inbox(
        written(
            schema_version=1,
            aggregate_version=0,
            event_data={
                "title": "",
                "text": "  Text\r\nkeeps its \u00fcmlauts, its \U0001f30d and its spaces. ",
                "uri": "https://example.org/report",
                "attributes": {"year": 2024, "score": 0.5, "draft": False, "author": "Ada", "editor": None},
            },
            metadata={"tenant": "acme", "actor": "ada", "source": "crawler"},
            correlation_id="batch-7",
            causation_id="0b7e9d3a-52a4-4f6a-9c3f-5a9d6b1e2c22",
            position=None,
        )
    )

    assert event.event_data.text == "  Text\r\nkeeps its \u00fcmlauts, its \U0001f30d and its spaces. "
    assert event.event_data.attributes == {
        "year": 2024,
        "score": 0.5,
        "draft": False,
        "author": "Ada",
        "editor": None,
    }
    assert (event.metadata.tenant, event.correlation_id) == ("acme", "batch-7")
    assert event.causation_id == UUID("0b7e9d3a-52a4-4f6a-9c3f-5a9d6b1e2c22")


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (None, "message is empty; send a DocumentIngested event as JSON"),
        (b"", "message is empty"),
        (b"\x00\x01\x02", "^message: Invalid JSON"),
        (written()[:-1], "^message: Invalid JSON: EOF"),
        (b'"Ada met Charles."', "^message: Input should be an object"),
        (b"[" * 10_000, "^message: Invalid JSON: recursion limit"),
        (without("event_id"), "^event_id: Field required$"),
        (without("timestamp"), "^timestamp: Field required$"),
        (without("aggregate_id"), "^aggregate_id: Field required$"),
        (written(event_id="7"), "^event_id: Input should be a valid UUID"),
        (written(event_type="DocumentDeleted"), "^event_type: Input should be 'DocumentIngested'$"),
        (written(schema_version=2), "^schema_version: Input should be 1$"),
        (written(aggregate_id=""), "^aggregate_id: .* at least 1 character$"),
        (written(aggregate_id="a\tb"), "^aggregate_id: String should match pattern"),
        (written(aggregate_id="x" * 1025), "^aggregate_id: .* at most 1024 characters$"),
        (written(aggregate_id=7), "^aggregate_id: Input should be a valid string$"),
        (written(timestamp="yesterday"), "^timestamp: Input should be a valid datetime"),
        (written(timestamp="2024-05-01T14:30:00"), "^timestamp: Input should have timezone info$"),
        (written(timestamp="0001-01-01T00:00:00+14:00"), "^timestamp: .*lies outside the years 1 to 9999 in UTC$"),
        (
            written(timestamp="9999-01-02T03:04:00Z"),
            "^timestamp: 9999-01-02 03:04 UTC is more than a day ahead of the clock",
        ),
        (written(metadata={"tenant": "../acme"}), r"^metadata\.tenant: String should match pattern"),
        (written(metadata={"tenants": "acme"}), r"^metadata\.tenants: Extra inputs are not permitted$"),
        (written(correlation_id="two words"), "^correlation_id: String should match pattern"),
        (written(position=7), "^position: Input should be null$"),
        (written(colour="red"), "^colour: Extra inputs are not permitted$"),
        (document(text=""), r"^event_data\.text: .* at least 1 character$"),
        (
            document(text=" \n\t"),
            r"^event_data\.text: holds only white space and invisible characters; send the document's text$",
        ),
        (document(text="PK\x00\x03"), r"^event_data\.text: .*holds a NUL character at 2; send text, not binary data$"),
        (document(title="\x00"), r"^event_data\.title: .*holds a NUL character at 0"),
        (document(text="half \ud83d"), "^message: Invalid JSON"),
        (document(uri="a\x00"), r"^event_data\.uri: .*holds a NUL character at 1"),
        (document(attributes={"a\x00": 1}), r"^event_data\.attributes\..*holds a NUL character at 1"),
        (document(attributes={"a": "\x00"}), r"^event_data\.attributes\.a: .*holds a NUL character at 0"),
        (document(attributes={"a": 2**63}), r"^event_data\.attributes\.a: .*whole number of more than 64 bits"),
        (document(attributes={"a": -(10**400)}), r"^event_data\.attributes\.a: .*whole number of more than 64 bits"),
        (document(attributes={"a": float("inf")}), r"^event_data\.attributes\.a: is no finite number"),
        (document(attributes={"a": float("nan")}), r"^event_data\.attributes\.a: is no finite number"),
        (document(text=["Ada"]), r"^event_data\.text: Input should be a valid string$"),
        (document(title="x" * 1025), r"^event_data\.title: .* at most 1024 characters$"),
        (document(attributes={"tags": ["a"]}), r"^event_data\.attributes\.tags"),
        (document(attributes={"": "a"}), r"^event_data\.attributes\..*at least 1 character"),
        (document(body="Ada"), r"^event_data\.body: Extra inputs are not permitted$"),
    ],
)
def test_a_malformed_message_is_told_its_fault(raw: bytes | None, fault: str) -> None:
    with pytest.raises(MalformedEventError, match=fault):
        decode_inbox(raw)


def test_every_fault_is_named_at_once_and_the_text_never_quoted() -> None:
    raw = written(event_id="7", event_data={"title": 5, "text": "hunter2\x00"})
    with pytest.raises(MalformedEventError) as refused:
        decode_inbox(raw)
    for field in ("event_id", "event_data.title", "event_data.text"):
        assert f"{field}: " in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("hours", "taken"), [(-(10**6), True), (0, True), (23, True), (25, False), (10**6, False)])
def test_a_producers_time_may_be_long_past_and_a_little_ahead(hours: int, taken: bool) -> None:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    raw = written(timestamp=moment.isoformat())
    if taken:
        assert decode_inbox(raw).occurred == moment
    else:
        with pytest.raises(MalformedEventError, match=r"^timestamp: \d{4}.* is more than a day ahead"):
            decode_inbox(raw)
