"""The chain of hashes that shows whether an audit log was changed: each entry's hash covers the one before."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from security.audit import AuditEntry

BEGINNING = bytes(32)
"""What the first entry of a chain follows."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as it is stored: its number within its tenant's chain, from 1, and the database's time (UTC)."""

    sequence: int
    at: datetime
    entry: AuditEntry
    hash: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain, and at which entry it begins to be."""

    tenant: str
    sequence: int
    what: str


def chained(previous: bytes, sequence: int, at: datetime, entry: AuditEntry) -> bytes:
    """SHA-256 of the hash before and of the entry's canonical bytes: a JSON array, which no two entries share."""
    canonical = [
        sequence,
        (at - _EPOCH) // _MICROSECOND,
        entry.tenant,
        entry.actor,
        entry.category,
        entry.action,
        entry.resource,
        entry.object_id,
        entry.outcome,
        entry.reason,
        entry.credential,
        entry.address,
        entry.request_id,
    ]
    return hashlib.sha256(previous + json.dumps(canonical, ensure_ascii=True, separators=(",", ":")).encode()).digest()


class ChainCheck:
    """Takes a tenant's entries in order and says what is wrong.

    An entry whose content was changed is named itself; where its hash was made anew as well, the entry behind it is,
    which does not follow any more. `sequence` and `previous` are of the entry before the first one that is given.
    """

    def __init__(self, tenant: str, sequence: int, previous: bytes) -> None:
        self._tenant, self.sequence, self._previous = tenant, sequence, previous
        self.checked = 0

    def take(self, recorded: RecordedEntry) -> Iterator[Fault]:
        """The faults at the next entry."""
        expected = self.sequence + 1
        self.checked += 1
        if recorded.sequence < expected:
            yield self._fault(recorded.sequence, "is out of order")
            return
        if recorded.sequence > expected:
            # What it follows is gone: only the entries behind it can be checked.
            yield self._fault(expected, _missing(expected, recorded.sequence - 1))
        elif chained(self._previous, recorded.sequence, recorded.at, recorded.entry) != recorded.hash:
            yield self._fault(recorded.sequence, "was changed, or the hash of the entry before it was")
        self.sequence, self._previous = recorded.sequence, recorded.hash

    def end(self, sequence: int, head: bytes) -> Iterator[Fault]:
        """The faults at the end, which by the chain's own record is at `sequence` with the hash `head`."""
        if self.sequence < sequence:
            yield self._fault(self.sequence + 1, _missing(self.sequence + 1, sequence))
        elif self.sequence > sequence:
            yield self._fault(sequence + 1, "is beyond the chain's end")
        elif self._previous != head:
            yield self._fault(sequence, "is not what the chain ended with")

    def _fault(self, sequence: int, what: str) -> Fault:
        return Fault(self._tenant, sequence, what)


def _missing(first: int, last: int) -> str:
    return "is missing" if first == last else f"is missing, and all up to {last}"
