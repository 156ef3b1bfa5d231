"""Keys that sign access tokens: ES256 (RFC 7518, 3.4), each known by an id, published as a JWKS before it signs.

A key signs for a while, then only verifies until the last token that it signed has expired: rotation refuses nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey

from security.encryption import EncryptionContext
from security.secrets import new_id

ALGORITHM = "ES256"
SIGNS_FOR = timedelta(days=30)
PUBLISHED_BEFORE = timedelta(minutes=10)
"""A new key is in the JWKS for so long before it signs: whoever keeps the JWKS for less has it in time."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, and the private one, sealed (`EncryptedData.pack`)."""

    id: str
    public_key: Mapping[str, Any]
    sealed_private_key: bytes = field(repr=False)
    created_at: datetime
    signs_from: datetime
    signs_until: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def signs(self, now: datetime) -> bool:
        """Whether it signs at `now`."""
        return self.revoked_at is None and self.signs_from <= now < self.signs_until

    def verifies(self, now: datetime) -> bool:
        """Whether what it signed counts at `now`."""
        return self.revoked_at is None and now < self.expires_at


def new_key_pair() -> ECKey:
    """A private key with an id of its own."""
    return ECKey.generate_key("P-256", {"kid": new_id(), "alg": ALGORITHM, "use": "sig"}, private=True)


def sealing_context(key_id: str) -> EncryptionContext:
    """What a private key is sealed for: it means nothing in another row. The keys belong to the whole installation."""
    return EncryptionContext("default", "system/signing-keys", "sign access tokens", key_id)
