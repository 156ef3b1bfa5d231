"""Sealing data for one purpose (specification 4.1, `encrypt_sensitive_data`): AES-256-GCM (NIST SP 800-38D).

Every tenant and subject has data keys of its own, so that what is sealed for one subject can be erased by destroying
its keys. What the data is for is authenticated with it: sealed bytes mean nothing in another row or for another tenant.
"""

import json
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from security.errors import DecryptionError, TooMuchToEncryptError

KEY_BYTES = 32
IV_BYTES = 12
TAG_BYTES = 16
MAX_DATA_BYTES = 16 * 1024 * 1024
MAX_USES = 2**32
"""Of one key with random ivs (SP 800-38D, 8.3): two of them are the same with a chance below 2^-32."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PACKED = struct.Struct(">BB12sq")
_FORMAT = 1


class EncryptionAlgorithm(StrEnum):
    """How data is sealed."""

    AES_256_GCM = "AES-256-GCM"


@dataclass(frozen=True, slots=True)
class EncryptionContext:
    """What is sealed, for what. To read it again takes the same tenant, subject, purpose and object.

    `subject` chooses the key: whose data it is, such as `document/river.md`. `purpose` is a word of the caller's,
    `object_id` the row or thing that holds the data. `actor` is for the audit log alone.
    """

    tenant: str
    subject: str
    purpose: str
    object_id: str = ""
    actor: str = "system"


@dataclass(frozen=True, slots=True)
class EncryptedData:
    """What may be stored anywhere. `key_id` names the data key, `timestamp` is when it was sealed (UTC)."""

    ciphertext: bytes = field(repr=False)
    iv: bytes = field(repr=False)
    key_id: str
    algorithm: EncryptionAlgorithm
    timestamp: datetime

    def pack(self) -> bytes:
        """As one value, for a column of bytes."""
        key_id = self.key_id.encode("ascii")
        return _PACKED.pack(_FORMAT, len(key_id), self.iv, _microseconds(self.timestamp)) + key_id + self.ciphertext

    @classmethod
    def unpack(cls, packed: bytes) -> "EncryptedData":
        """What `pack` made. Raises DecryptionError where it is none."""
        try:
            version, length, iv, microseconds = _PACKED.unpack_from(packed)
            key_id = packed[_PACKED.size : _PACKED.size + length].decode("ascii")
            timestamp = _EPOCH + timedelta(microseconds=microseconds)
        except (struct.error, UnicodeDecodeError, OverflowError):
            raise DecryptionError() from None
        ciphertext = packed[_PACKED.size + length :]
        if version != _FORMAT or len(key_id) != length or len(ciphertext) < TAG_BYTES:
            raise DecryptionError()
        return cls(ciphertext, iv, key_id, EncryptionAlgorithm.AES_256_GCM, timestamp)


class Encryption(Protocol):
    """What seals data and opens it. Every use is in the audit log."""

    async def encrypt_sensitive_data(self, data: bytes, context: EncryptionContext) -> EncryptedData:
        """Seal `data` with the present key of the context's subject; the first time makes one.

        Raises TooMuchToEncryptError, MasterKeyError, StoreUnavailableError.
        """
        ...

    async def decrypt_sensitive_data(self, encrypted: EncryptedData, context: EncryptionContext) -> bytes:
        """What was sealed for this context, whichever of the subject's keys did it.

        Raises DecryptionError, KeyDestroyedError, MasterKeyError, StoreUnavailableError.
        """
        ...


def new_key() -> bytes:
    """256 random bits."""
    return AESGCM.generate_key(bit_length=8 * KEY_BYTES)


def seal(key: bytes, data: bytes, context: EncryptionContext, key_id: str, now: datetime) -> EncryptedData:
    """Seal with a fresh random iv. Raises TooMuchToEncryptError."""
    if len(data) > MAX_DATA_BYTES:
        raise TooMuchToEncryptError()
    iv = os.urandom(IV_BYTES)
    associated = _associated(context, key_id, now)
    return EncryptedData(AESGCM(key).encrypt(iv, data, associated), iv, key_id, EncryptionAlgorithm.AES_256_GCM, now)


def unseal(key: bytes, encrypted: EncryptedData, context: EncryptionContext) -> bytes:
    """Raises DecryptionError where anything was changed: data, iv, key id, time or context."""
    associated = _associated(context, encrypted.key_id, encrypted.timestamp)
    try:
        return AESGCM(key).decrypt(encrypted.iv, encrypted.ciphertext, associated)
    except (InvalidTag, ValueError, OverflowError):
        raise DecryptionError() from None


def _associated(context: EncryptionContext, key_id: str, timestamp: datetime) -> bytes:
    """Canonical bytes of all that must stay as it was: a JSON array in ASCII, which no two contexts share."""
    parts = [
        *(_FORMAT, EncryptionAlgorithm.AES_256_GCM, key_id, _microseconds(timestamp)),
        *(context.tenant, context.subject, context.purpose, context.object_id),
    ]
    return json.dumps(parts, ensure_ascii=True, separators=(",", ":")).encode()


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
