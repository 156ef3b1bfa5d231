"""A Kafka message as handlers see it: plain data, no framework."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contracts.codec import check_event_type, decode
from contracts.envelope import DomainEvent
from contracts.topics import Partition
from contracts.unvalidated import decode_unvalidated


@dataclass(frozen=True, slots=True)
class Message:
    """One record. `timestamp` is in milliseconds since 1970, as its producer set it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)
    _events: list[DomainEvent] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def identity(self) -> str:
        """Names this record, also when it is delivered again, and not one that a restarted broker put in its place."""
        return f"{self.topic}/{self.partition}/{self.offset}/{self.timestamp}"

    @property
    def event_type(self) -> str | None:
        """The relay's header, so that what is not wanted need not be decoded."""
        raw = self.headers.get("event_type")
        return None if raw is None else raw.decode("utf-8", "replace")

    @property
    def position(self) -> int | None:
        """Position in the log, from the relay's header."""
        return _number(self.headers.get("position"))

    @property
    def recorded_at(self) -> datetime | None:
        """When the log took the event in, from the relay's header."""
        return _moment(self.headers.get("recorded_at"))

    @property
    def dead_letter(self) -> int | None:
        """Set when this record is, or claims to be, a dead letter that somebody asked to try again."""
        return _number(self.headers.get("dead_letter"))

    def event(self) -> DomainEvent:
        """The event that it holds, decoded once for all who ask. Raises MalformedEventError, NewerSchemaError.

        What has a position is the relay's, which alone writes to the topics of events: bytes of the event store,
        which were validated before they were stored.
        """
        if not self._events:
            read = decode if self.position is None else decode_unvalidated
            self._events.append(read(self.value or b"", position=self.position, recorded_at=self.recorded_at))
        return self._events[0]

    @property
    def retry_token(self) -> str | None:
        """What only the relay's retry of a dead letter knows."""
        raw = self.headers.get("retry_token")
        return None if raw is None else raw.decode("utf-8", "replace")


def as_message(record: Any) -> Message:
    """A Faust message as plain data."""
    headers = record.headers or ()
    pairs = headers.items() if hasattr(headers, "items") else headers
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=int(record.timestamp or 0),
        key=record.key,
        value=record.value,
        headers={name: value for name, value in pairs if value is not None},
    )


def _number(raw: bytes | None) -> int | None:
    """A header's number. Anybody may write to the inbox: what no bigint holds is none."""
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 19 else None


def _moment(raw: bytes | None) -> datetime | None:
    """A header's time. What is none, or of no known zone, counts as not given."""
    try:
        found = None if raw is None else datetime.fromisoformat(raw.decode())
        return None if found is None or found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_event(message: Message, wanted: Collection[str]) -> DomainEvent | None:
    """The event that a record of the relay holds, where it is of a wanted type.

    Raises MalformedEventError, and NewerSchemaError also for a type that nobody here knows: whether it is wanted, only
    a newer Annals can tell.
    """
    event_type = message.event_type
    if event_type is not None and message.position is not None:
        check_event_type(event_type)
    if event_type not in wanted or message.value is None:
        return None
    return message.event()


def positions_of(messages: Iterable[Message]) -> dict[Partition, int]:
    """The highest log position of each partition among `messages`, once all of them are processed."""
    highest: dict[Partition, int] = {}
    for message in messages:
        if message.position is not None and message.partition >= 0:
            partition = (message.topic, message.partition)
            highest[partition] = max(message.position, highest.get(partition, 0))
    return highest
