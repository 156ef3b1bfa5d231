"""API keys, `ann_<key id>_<secret>`: what is kept of one, and when it counts."""

from dataclasses import dataclass, field
from datetime import datetime


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
