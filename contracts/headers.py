"""The Kafka headers of what the relay publishes: what each says, and how it is worked out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Fields = Mapping[str, Any]

EVENT_HEADERS = {
    "event_id": "the event's event_id",
    "event_type": "the event's event_type, so that what is not wanted need not be read",
    "correlation_id": "the event's correlation_id",
    "causation_id": "the event's causation_id, or empty",
    "position": "position in the whole log, a decimal number",
    "recorded_at": "when the event was stored, by the log's clock, which never goes back; ISO 8601 in UTC",
    "version": "the event's aggregate_version, a decimal number",
    "tenant": "whose event it is",
    "epoch": "grows when the broker lost its records and the log is published again, a decimal number",
}
LETTER_HEADERS = {
    "consumer": "who could not process the message",
    "topic": "the topic it came from",
    "error": "kind of the fault",
    "cause": "what was wrong, in words",
    "dead_letter": "number of the dead letter",
    "bytes": "of key and value together; where it is over 1000000 both are left out here, and kept in the database",
}


def of_event(event: Fields, recorded_at: datetime, epoch: int) -> dict[str, str]:
    """Headers of an event, given as its JSON fields with a position, that is published in `epoch`."""
    said = {
        **event,
        "recorded_at": recorded_at.astimezone(UTC).isoformat(),
        "causation_id": event["causation_id"] or "",
        "version": event["aggregate_version"],
        "tenant": event["metadata"]["tenant"],
        "epoch": epoch,
    }
    return {name: str(said[name]) for name in EVENT_HEADERS}


def of_letter(letter: Fields) -> dict[str, str]:
    """Headers of a dead letter, given as the columns of its row."""
    said = {**letter, "dead_letter": letter["id"]}
    return {name: str(said[name]) for name in LETTER_HEADERS}


def retried(letter: Fields) -> dict[str, str]:
    """What a message that is published again for a dead letter says besides: which letter, and which retry of it."""
    return {"dead_letter": str(letter["id"]), "retry_token": str(letter["retry_token"])}
