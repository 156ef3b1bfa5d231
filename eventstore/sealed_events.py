"""The sealed form of a stored event: what it says, and of which aggregate, as AES-256-GCM with that aggregate's key.

    {"aggregate_id": STREAM, ..., "event_data": {"key": KEY ID, "sealed": BASE64}, ..., "schema_version": 1000}

STREAM is the id of the aggregate's stream in the event store. The rest of the envelope is in the clear, so that the log
can be ordered, chained and counted without a key. Within are the aggregate's own id, the payload and its schema
version.
The version outside is one that no process knows which cannot open it: such a process says that it is too old.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json

from contracts.codec import canonical
from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind
from security.encryption import IV_BYTES
from security.errors import DecryptionError
from security.master_key import WrappedKey

SEALED_KINDS: frozenset[AggregateKind] = frozenset({"document", "entity", "reasoning_query"})
"""What these say derives from documents. The others speak of accounts, policies, models, the system and webhooks."""
SEALED_SCHEMA = 1000
_EMPTY = b'"sealed":""'
"""A quotation mark within a text of JSON has a backslash before it, so that this is there once."""

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StreamKey:
    """The data key of one aggregate, opened. `wrapped`: how it is to be stored, where it is new."""

    key_id: str
    secret: bytes = field(repr=False)
    wrapped: WrappedKey | None = None


def subject_of(stream: UUID) -> str:
    """Whose key it is, by what says nothing of it."""
    return f"stream/{stream}"


def seal_event(event: DomainEvent, stream: UUID, key: StreamKey) -> tuple[bytes, int]:
    """Its bytes, to be stored, and how many it would be in the clear, about: not less."""
    fields = event.model_dump(mode="json", exclude={"recorded_at"})
    within = canonical({name: fields[name] for name in ("aggregate_id", "event_data", "schema_version")})
    iv = os.urandom(IV_BYTES)
    sealed = AESGCM(key.secret).encrypt(iv, within, _associated(event.tenant, stream, event.event_id))
    fields["aggregate_id"] = str(stream)
    fields["event_data"] = {"key": key.key_id, "sealed": ""}
    fields["schema_version"] = SEALED_SCHEMA
    before, behind = canonical(fields).split(_EMPTY)
    # Base64 has nothing that JSON spells otherwise.
    state = b"".join((before, _EMPTY[:-1], base64.b64encode(iv + sealed), _EMPTY[-1:], behind))
    return state, len(before) + len(within) + len(behind)


def key_of(fields: Any) -> str | None:
    """The id of the key that opens it; None for an event that is not sealed."""
    if not isinstance(fields, dict) or fields.get("schema_version") != SEALED_SCHEMA:
        return None
    key = fields["event_data"]["key"]
    assert isinstance(key, str)
    return key


def stream_of(fields: Fields) -> UUID:
    """The stream of an event that is sealed."""
    return UUID(fields["aggregate_id"])


def opened(fields: Fields, secret: bytes) -> Fields:
    """The event's fields in the clear. Raises DecryptionError where anything of it was changed."""
    associated = _associated(fields["metadata"]["tenant"], stream_of(fields), UUID(fields["event_id"]))
    raw = base64.b64decode(fields["event_data"]["sealed"])
    try:
        within = AESGCM(secret).decrypt(raw[:IV_BYTES], raw[IV_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise DecryptionError() from None
    return {**fields, **from_json(within)}


def keys_in(events: Sequence[Any]) -> Mapping[str, tuple[str, UUID]]:
    """Tenant and stream of each key that opens some of these."""
    return {key: (one["metadata"]["tenant"], stream_of(one)) for one in events if (key := key_of(one)) is not None}


def _associated(tenant: str, stream: UUID, event_id: UUID) -> bytes:
    """Sealed bytes mean nothing in another event, aggregate or tenant."""
    return b"annals event 1\x00" + tenant.encode() + b"\x00" + stream.bytes + event_id.bytes
