"""API keys: `ann_<key id>_<secret>`. The id finds the key; of the secret only a hash is kept.

A secret has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would guard.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

PREFIX = "ann_"
ID_BYTES = 10
SECRET_BYTES = 32

_KEY = re.compile(r"ann_([a-z2-7]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODY = hashlib.sha256(b"no key has this hash").digest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. `scopes` narrow what its account's roles allow, None narrows nothing.

    `name` is the holder's word for it, `created_by` the actor.
    """

    id: str
    tenant: str
    account: str
    name: str
    secret_hash: bytes = field(repr=False)
    scopes: tuple[str, ...] | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def fault(self, now: datetime) -> str | None:
        """Why it does not count at `now`; None where it does."""
        if self.revoked_at is not None:
            return "a revoked key"
        if self.expires_at is not None and self.expires_at <= now:
            return "an expired key"
        return None


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A key as somebody presents it."""

    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """As its holder writes it."""
        return f"{PREFIX}{self.id}_{self.secret}"

    def hash(self) -> bytes:
        """What is kept of the secret; bound to the id, so that no row can stand in for another."""
        return hashlib.sha256(f"{self.id}_{self.secret}".encode()).digest()

    def is_of(self, key: ApiKey | None) -> bool:
        """Whether the secret is the key's; takes as long where there is no such key."""
        return hmac.compare_digest(self.hash(), _NOBODY if key is None else key.secret_hash) and key is not None


def new_key() -> PresentedKey:
    """A key that nobody had before."""
    key_id = base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()
    return PresentedKey(key_id, secrets.token_urlsafe(SECRET_BYTES))


def parse(credential: str) -> PresentedKey | None:
    """The key that `credential` spells; None where it is none."""
    match = _KEY.fullmatch(credential)
    return None if match is None else PresentedKey(match[1], match[2])
