"""Refresh tokens: each is good for one new pair of tokens (RFC 9700, 4.14.2: rotation, and reuse ends the sign-in)."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is kept of one. `family`: all that followed from one sign-in."""

    id: str
    family: str
    tenant: str
    account: str
    secret_hash: bytes = field(repr=False)
    scopes: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
