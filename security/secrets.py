"""Opaque credentials, `<prefix>_<id>_<secret>`: the id finds the row, and of the secret only a hash is kept.

A secret has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would guard.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from typing import Literal

Prefix = Literal["ann", "anr"]
"""API keys, refresh tokens."""
ID_BYTES = 10
SECRET_BYTES = 32

_WRITTEN = re.compile(r"(ann|anr)_([a-z2-7]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
_NOBODYS = hashlib.sha256(b"no credential has this hash").digest()


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential as its holder presents it."""

    prefix: Prefix
    id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """As its holder writes it."""
        return f"{self.prefix}_{self.id}_{self.secret}"

    def hash(self) -> bytes:
        """What is kept of it; bound to kind and id, so that no row can stand in for another."""
        return hashlib.sha256(self.text.encode()).digest()

    def is_of(self, secret_hash: bytes | None) -> bool:
        """Whether this is its hash; takes as long where there is none."""
        return hmac.compare_digest(self.hash(), _NOBODYS if secret_hash is None else secret_hash)


def new_id() -> str:
    """80 random bits, in 16 letters and digits."""
    return base64.b32encode(secrets.token_bytes(ID_BYTES)).decode().lower()


def new_secret(prefix: Prefix) -> Secret:
    """One that nobody had before."""
    return Secret(prefix, new_id(), secrets.token_urlsafe(SECRET_BYTES))


def parse_secret(prefix: Prefix, credential: str) -> Secret | None:
    """The one that `credential` spells; None where it is none of this kind."""
    match = _WRITTEN.fullmatch(credential)
    return Secret(prefix, match[2], match[3]) if match is not None and match[1] == prefix else None
