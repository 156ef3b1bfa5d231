"""The headers of what the relay publishes."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from contracts.codec import encode
from contracts.documents import DocumentDeleted
from contracts.envelope import EventMetadata, new_event
from contracts.headers import EVENT_HEADERS, LETTER_HEADERS, of_event, of_letter, retried

EVENT = new_event(
    DocumentDeleted(),
    aggregate_id="d1",
    aggregate_version=3,
    metadata=EventMetadata(tenant="acme"),
    correlation_id="c1",
    event_id=UUID(int=1),
    timestamp=datetime(2024, 5, 1, tzinfo=UTC),
).at(7)
RECORDED = datetime(2024, 5, 1, 4, 0, 0, 3, tzinfo=timezone(timedelta(hours=2)))
SAID = {"consumer": "chunk", "topic": "t", "error": "E", "cause": "why"}
LETTER: dict[str, Any] = {**SAID, "id": 4, "bytes": 1, "key": b"\xff"}


def test_an_event_says_what_it_is() -> None:
    assert of_event(json.loads(encode(EVENT)), RECORDED, epoch=2) == {
        "event_id": "00000000-0000-0000-0000-000000000001",
        "event_type": "DocumentDeleted",
        "correlation_id": "c1",
        "causation_id": "",
        "position": "7",
        "recorded_at": "2024-05-01T02:00:00.000003+00:00",
        "version": "3",
        "tenant": "acme",
        "epoch": "2",
    }


def test_a_cause_is_named() -> None:
    caused = EVENT.model_copy(update={"causation_id": UUID(int=9)})
    assert of_event(json.loads(encode(caused)), RECORDED, epoch=1)["causation_id"] == str(UUID(int=9))


def test_a_letter_says_what_was_wrong_and_a_retry_which_letter_it_is_for() -> None:
    assert of_letter(LETTER) == {**SAID, "dead_letter": "4", "bytes": "1"}
    assert retried(LETTER | {"retry_token": "x"}) == {"dead_letter": "4", "retry_token": "x"}


def test_every_header_is_described() -> None:
    assert set(of_event(json.loads(encode(EVENT)), RECORDED, epoch=1)) == set(EVENT_HEADERS)
    assert set(of_letter(LETTER)) == set(LETTER_HEADERS)
