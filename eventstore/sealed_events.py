"""The sealed form of a stored event: what it says, and of which aggregate, as AES-256-GCM with that aggregate's key.

    {"aggregate_id": STREAM, ..., "event_data": {"key": KEY ID, "sealed": BASE64}, ..., "schema_version": 1001}

STREAM is the id of the aggregate's stream in the event store. The rest of the envelope is in the clear, so that the log
can be ordered, chained and counted without a key. Within are the aggregate's own id, the payload and its schema
version, as JSON; from version 1001 on behind a byte, and as an LZ4 block where that is shorter.
The version outside is one that no process knows which cannot open it: such a process says that it is too old.
"""

import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import cramjam
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import to_json

from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind
from contracts.unvalidated import read_json
from security.encryption import IV_BYTES
from security.errors import DecryptionError
from security.master_key import WrappedKey

SEALED_KINDS: frozenset[AggregateKind] = frozenset({"document", "entity", "reasoning_query"})
"""What these say derives from documents. The others speak of accounts, policies, models, the system and webhooks."""
SEALED_SCHEMAS = (1000, 1001)
"""Versions of the form that are read. The last one is written."""
_PLAIN, _LZ4 = b"\0", b"\1"
"""What the first byte within says of those behind it. LZ4: with the length in front, four bytes, little end first."""
LEAST_COMPRESSED = 256
"""Bytes. Fewer gain nothing."""

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
    """Its bytes, to be stored, and about how many it would be in the clear."""
    within = b'{"aggregate_id":%b,"event_data":%b,"schema_version":%d}' % (
        to_json(event.aggregate_id),
        event.event_data.model_dump_json().encode(),
        event.schema_version,
    )
    iv = os.urandom(IV_BYTES)
    associated = _associated(event.tenant, stream.bytes, event.event_id.bytes)
    sealed = iv + AESGCM(key.secret).encrypt(iv, _packed(within), associated)
    spelled = binascii.b2a_base64(sealed, newline=False).decode("ascii")
    # As `contracts.codec.canonical` spells it, in one step: the names are in their order.
    state = to_json(
        {
            "aggregate_id": stream,
            "aggregate_version": event.aggregate_version,
            "causation_id": event.causation_id,
            "correlation_id": event.correlation_id,
            "event_data": {"key": key.key_id, "sealed": spelled},
            "event_id": event.event_id,
            "event_type": event.event_type,
            "metadata": {
                "actor": event.metadata.actor,
                "source": event.metadata.source,
                "tenant": event.metadata.tenant,
            },
            "position": event.position,
            "schema_version": SEALED_SCHEMAS[-1],
            "timestamp": event.timestamp,
        }
    )
    return state, len(state) - len(spelled) + len(within)


def fields_of(state: bytes) -> Any:
    """The JSON of a stored event; None for what is none, of which the slow way says what is wrong with it."""
    try:
        return read_json(state)
    except ValueError:
        return None


def key_of(fields: Any) -> str | None:
    """The id of the key that opens it; None for an event that is not sealed."""
    if not isinstance(fields, dict) or fields.get("schema_version") not in SEALED_SCHEMAS:
        return None
    key = fields["event_data"]["key"]
    assert isinstance(key, str)
    return key


def stream_of(fields: Fields) -> UUID:
    """The stream of an event that is sealed."""
    return UUID(fields["aggregate_id"])


def opened(fields: Fields, secret: bytes) -> Fields:
    """The event's fields in the clear. Raises DecryptionError where anything of it was changed."""
    try:
        stream, event_id = _id_bytes(fields["aggregate_id"]), _id_bytes(fields["event_id"])
        raw = binascii.a2b_base64(fields["event_data"]["sealed"])
        associated = _associated(fields["metadata"]["tenant"], stream, event_id)
        within = AESGCM(secret).decrypt(raw[:IV_BYTES], raw[IV_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise DecryptionError() from None
    if fields["schema_version"] != SEALED_SCHEMAS[0]:
        within = _unpacked(within)
    return {**fields, **read_json(within)}


def keys_in(events: Sequence[Any]) -> Mapping[str, tuple[str, UUID]]:
    """Tenant and stream of each key that opens some of these."""
    found: dict[str, tuple[str, UUID]] = {}
    for one in events:
        key = key_of(one)
        if key is not None and key not in found:
            found[key] = one["metadata"]["tenant"], stream_of(one)
    return found


def _packed(within: bytes) -> bytes:
    """Shorter sealed bytes are less to write, to hash and to read, and PostgreSQL cannot compress them any more."""
    if len(within) >= LEAST_COMPRESSED:
        compressed = bytes(cramjam.lz4.compress_block(within))
        if len(compressed) < len(within):
            return _LZ4 + compressed
    return _PLAIN + within


def _unpacked(packed: bytes) -> bytes:
    return bytes(cramjam.lz4.decompress_block(packed[1:])) if packed.startswith(_LZ4) else packed[1:]


def _id_bytes(spelled: str) -> bytes:
    """Of a UUID as text: a tenth of the time that making one takes."""
    return bytes.fromhex(spelled.replace("-", ""))


def _associated(tenant: str, stream: bytes, event_id: bytes) -> bytes:
    """Sealed bytes mean nothing in another event, aggregate or tenant."""
    return b"annals event 1\x00" + tenant.encode() + b"\x00" + stream + event_id
