"""What the relay publishes, as records: stored events, dead letters, and both once more. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from pydantic_core import from_json

from contracts import headers
from contracts.codec import canonical, check_event_type
from contracts.errors import AnnalsError
from contracts.event_types import EventType
from contracts.topics import Topics
from contracts.upcasters import upcast

NOT_IN_LOG = "the log has no such event, so it cannot be tried again; drop it: annals dead-letters drop ID --reason WHY"


class StoredEvent(NamedTuple):
    """A row of the log: `state` is the event's JSON, opened where it was sealed."""

    position: int
    event_type: str
    state: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What goes to one topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]


class UnpublishableError(AnnalsError):
    """This cannot be published as it is; the message says why, and trying again alone does not help."""


class Records:
    """Makes records for the topics of one installation."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._names = {str(event_type): topics.of(event_type).name for event_type in EventType}

    def event(self, stored: StoredEvent, epoch: int) -> Record:
        """A stored event in today's schema, which is the only one that readers know.

        Raises UnpublishableError, NewerSchemaError for an event type whose topic only a newer Annals knows.
        """
        check_event_type(stored.event_type)
        topic = self._names[stored.event_type]
        try:
            event = {**upcast(from_json(stored.state)), "position": stored.position}
            said = headers.of_event(event, stored.recorded_at, epoch)
            return Record(topic, event["aggregate_id"].encode(), canonical(event), said)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnpublishableError(f"the stored event cannot be read: {type(error).__name__}: {error}") from error

    def dead_letter(self, letter: Mapping[str, object]) -> Record:
        """A dead letter for its topic."""
        return Record(
            topic=self._topics.dead_letters.name,
            key=letter["key"],  # type: ignore[arg-type]  # bytes or None, as the column is
            value=letter["value"],  # type: ignore[arg-type]
            headers=headers.of_letter(letter),
        )

    def retried(self, letter: Mapping[str, object], stored: StoredEvent | None, epoch: int) -> Record:
        """What a dead letter is of, once more: an inbox message as it came, or its event. Raises UnpublishableError."""
        inbox = self._topics.inbox(str(letter["topic"]))
        if inbox is not None:
            return Record(
                topic=inbox.name,
                key=letter["key"],  # type: ignore[arg-type]
                value=letter["value"],  # type: ignore[arg-type]
                headers=headers.retried(letter),
            )
        if stored is None:
            raise UnpublishableError(NOT_IN_LOG)
        record = self.event(stored, epoch)
        return replace(record, headers={**record.headers, **headers.retried(letter)})
