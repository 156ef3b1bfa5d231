"""The chain of hashes over the log: each event's hash covers its stored bytes, its columns, and the hash before.

What is covered is what is stored: where bytes are sealed with a key, their hash stays good when the key is destroyed.
`annals.chained` of the database's schema makes the same hashes in the insert.
"""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from security.audit_chain import BEGINNING

_FORMAT = b"\x01"


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event as it is stored. `follows`: the position of the event before, 0 where there was none. `recorded_at`:
    microseconds since 2000-01-01 UTC, as PostgreSQL counts."""

    position: int
    follows: int
    recorded_at: int
    originator_id: UUID
    originator_version: int
    event_id: UUID
    topic: str
    tenant: str
    aggregate_id: str
    correlation_id: str
    state: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class LogFault:
    """Where a log begins to be wrong, and how."""

    position: int
    what: str


def entry_of(event: ChainedEvent) -> bytes:
    """The bytes that are hashed. Texts hold no zero byte, so no two events have the same."""
    texts = (event.topic, event.tenant, event.aggregate_id, event.correlation_id)
    return b"".join(
        (
            _FORMAT,
            event.position.to_bytes(8, signed=True),
            event.follows.to_bytes(8, signed=True),
            event.recorded_at.to_bytes(8, signed=True),
            event.originator_id.bytes,
            event.originator_version.to_bytes(8, signed=True),
            event.event_id.bytes,
            *(text.encode() + b"\x00" for text in texts),
            event.state,
        )
    )


def chained(previous: bytes, event: ChainedEvent) -> bytes:
    """SHA-256 of the hash before and of the event's bytes."""
    return hashlib.sha256(previous + entry_of(event)).digest()


class LogCheck:
    """Takes the log's events in order, up to the first fault, after which nothing is taken.

    An event that was changed is named itself; one that was removed by its position, which the event behind it follows;
    one that was put in by its own, since the event behind it follows another. `position` and `head` are of the last
    event that was taken.
    """

    def __init__(self) -> None:
        self.checked, self.position, self.head = 0, 0, BEGINNING
        self._recorded_at = -(2**63)
        self.fault: LogFault | None = None

    def take(self, event: ChainedEvent) -> None:
        """The next one."""
        if self.fault is None:
            self.fault = self._fault(event)
        if self.fault is None:
            self.checked += 1
            self.position, self.head, self._recorded_at = event.position, event.hash, event.recorded_at

    def _fault(self, event: ChainedEvent) -> LogFault | None:
        here = event.position
        if chained(self.head, replace(event, follows=self.position)) == event.hash:
            # It is in its place.
            if event.follows != self.position:
                return LogFault(here, f"was changed: it says that it follows position {event.follows}")
            if event.recorded_at < self._recorded_at:
                return LogFault(here, "was recorded before the event in front of it")
            return None
        if event.follows >= here:
            return LogFault(here, f"is an event that was moved here: it followed position {event.follows}")
        if event.follows > self.position:
            between = (
                f", with all that was behind position {self.position}" if event.follows > self.position + 1 else ""
            )
            return LogFault(event.follows, f"was removed{between}")
        if event.follows < self.position:
            return LogFault(self.position, f"was put in: the event behind it follows position {event.follows}")
        return LogFault(here, "was changed")
