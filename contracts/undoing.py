"""Which events undo which: one that undoes another is caused by it, and of the type that undoes its type."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.event_types import EventType

UNDONE_BY: Mapping[EventType, EventType] = {
    EventType.DOCUMENT_UPDATED: EventType.DOCUMENT_RESTORED,
    EventType.DOCUMENT_DELETED: EventType.DOCUMENT_RESTORED,
    EventType.CHUNK_UPDATED: EventType.CHUNKS_RESTORED,
    EventType.CHUNK_MERGED: EventType.CHUNKS_RESTORED,
    EventType.RELATIONSHIP_UPDATED: EventType.RELATIONSHIP_UPDATED,
    EventType.RELATIONSHIP_VALIDATED: EventType.RELATIONSHIP_VALIDATED,
    EventType.ENTITY_UPDATED: EventType.ENTITY_DECISION_UNDONE,
    EventType.ENTITY_MERGED: EventType.ENTITY_DECISION_UNDONE,
    EventType.ENTITY_VALIDATED: EventType.ENTITY_DECISION_UNDONE,
    EventType.ENTITY_SPLIT: EventType.ENTITY_DECISION_UNDONE,
    EventType.ENTITY_ASSIGNED: EventType.ENTITY_DECISION_UNDONE,
    EventType.REASONING_CHAIN_VALIDATED: EventType.REASONING_CHAIN_VALIDATED,
}
"""The types of events that can be undone, with the type of the event that does it."""


def undone_in(history: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Of one aggregate's events as JSON, oldest first: the id of each that was undone, with that of the one that did.

    A decision on an entity is undone by its version, in events that do not name their cause, too.
    """
    types: dict[str, str] = {}
    by_version: dict[int, str] = {}
    undone: dict[str, str] = {}
    for event in history:
        own, event_type = str(event["event_id"]), str(event["event_type"])
        cause = event["causation_id"] and str(event["causation_id"])
        if event_type == EventType.ENTITY_DECISION_UNDONE:
            cause = by_version.get(event["event_data"]["version"])
        if cause is not None and types.get(cause) in UNDONE_BY and UNDONE_BY[EventType(types[cause])] == event_type:
            undone[cause] = own
        types[own] = event_type
        by_version[event["aggregate_version"]] = own
    return undone


def with_undoing(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same events, each with the id of the one that it undoes and of the one that undid it, or None."""
    undone = undone_in(history)
    undoes = {by: event_id for event_id, by in undone.items()}
    return [
        {
            **event,
            "undoes": undoes.get(str(event["event_id"])),
            "undone_by": undone.get(str(event["event_id"])),
            "can_be_undone": event["event_type"] in UNDONE_BY,
        }
        for event in history
    ]
