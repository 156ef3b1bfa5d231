"""The audit log as JSON Lines: an object an entry, with which anybody can check the chain again.

`hash` is SHA-256 of `previous` (32 bytes) and of a JSON array without spaces, in ASCII: `sequence`, `at` in
microseconds since 1970, `tenant` (null where it was not known), `actor`, `category`, `action`, `resource`, `object_id`,
`outcome`, `reason`, `credential`, `address`, `request_id`.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.codec import plain
from contracts.errors import AnnalsError
from security.audit import AuditEntry, Category, Outcome
from security.audit_chain import ChainCheck, Fault, RecordedEntry

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NoAuditLineError(AnnalsError):
    """The file holds a line that is no audit entry; give a file that `annals audit export` wrote."""


class AuditLine(BaseModel):
    """One line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: int
    at: datetime
    tenant: str | None
    actor: str
    category: Category
    action: str
    resource: str
    object_id: str
    outcome: Outcome
    reason: str
    credential: str
    address: str
    request_id: str
    previous: Digest
    hash: Digest

    @property
    def recorded(self) -> RecordedEntry:
        """The entry that it tells."""
        entry = AuditEntry(**self.model_dump(exclude={"sequence", "at", "previous", "hash"}))
        return RecordedEntry(self.sequence, self.at, entry, bytes.fromhex(self.hash))


def described(recorded: RecordedEntry) -> dict[str, Any]:
    """An entry for machines."""
    entry = recorded.entry
    return {
        "sequence": recorded.sequence,
        "at": recorded.at.isoformat(),
        "tenant": entry.tenant,
        "actor": entry.actor,
        "category": entry.category,
        "action": entry.action,
        "resource": entry.resource,
        "object_id": entry.object_id,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "credential": entry.credential,
        "address": entry.address,
        "request_id": entry.request_id,
        "hash": recorded.hash.hex(),
    }


def line_of(recorded: RecordedEntry, previous: bytes) -> str:
    """An entry as one line; `previous` is the hash of the one before."""
    return json.dumps(described(recorded) | {"previous": previous.hex()}, ensure_ascii=False)


def check_lines(lines: Iterable[bytes]) -> tuple[ChainCheck | None, list[Fault]]:
    """The check of an exported chain (None where there are no lines), and what is wrong. Raises NoAuditLineError."""
    check: ChainCheck | None = None
    faults: list[Fault] = []
    for number, raw in enumerate(lines, start=1):
        try:
            line = AuditLine.model_validate_json(raw)
        except ValidationError as error:
            raise NoAuditLineError(f"line {number} is no audit entry: {plain(error)}") from None
        if check is None:
            check = ChainCheck(line.tenant or "", line.sequence - 1, bytes.fromhex(line.previous))
        faults += check.take(line.recorded)
    return check, faults
