"""The audit log's entries, and which are kept at which level (specification 4.1, `AuditLogger`, `AuditLevel`)."""

import re
from dataclasses import dataclass
from typing import Literal, Protocol

AuditLevel = Literal["essential", "standard", "full"]
"""What is kept. `essential`: whatever was denied or failed, and administration, changes, uses of keys, threats.
`standard`: authentication and reads too. `full`: each authorization as well. Nothing keeps less than `essential`."""

Category = Literal["authentication", "authorization", "read", "change", "administration", "key_use", "threat"]
Outcome = Literal["success", "denied", "failed"]

MAX_FIELD = 512
"""Characters of a field; of a longer one the end is cut off."""
_SECRETS = re.compile(
    r"an[nr]_[a-z2-7]{16}_[\w-]+"  # an API key or a refresh token (security/secrets.py)
    r"|eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*){0,3}"  # a JWT or JWE
    r"|(?i:\b(?:bearer|basic)\s+)[^\s,;]+"
    r"|(?i:\b(?:password|passwd|secret|token|api[_-]?key|authorization)\s*[=:]\s*(?:(?:bearer|basic)\s+)?)[^\s,;&]+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user and password of an address
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ALWAYS = frozenset({"administration", "change", "key_use", "threat"})
_DURABLE = frozenset({"administration", "change", "threat"})


def without_secrets(text: str) -> str:
    """`text` with nothing in it that looks like a secret."""
    return _SECRETS.sub("[secret]", text)


def plain(text: str) -> str:
    """`text` as the audit log holds it: one line, bounded, and nothing in it that looks like a secret."""
    if not text:
        return text
    cleaned = without_secrets(_UNPRINTABLE.sub("?", text[: 4 * MAX_FIELD]))
    return cleaned if len(cleaned) <= MAX_FIELD else cleaned[: MAX_FIELD - 1] + "…"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, to what, and how it ended. It names things by their ids and never holds what is in them.

    `tenant` is None where it is not known, as when authentication fails. `credential` names the token or key and is
    no secret, `address` is the client's, `reason` says why it was denied or failed.
    """

    tenant: str | None
    actor: str
    category: Category
    action: str
    resource: str
    object_id: str = ""
    outcome: Outcome = "success"
    reason: str = ""
    credential: str = ""
    address: str = ""
    request_id: str = ""

    def as_plain(self) -> "AuditEntry":
        """The entry as the audit log holds it."""
        return AuditEntry(
            tenant=None if self.tenant is None else plain(self.tenant),
            actor=plain(self.actor),
            category=self.category,
            action=plain(self.action),
            resource=plain(self.resource),
            object_id=plain(self.object_id),
            outcome=self.outcome,
            reason=plain(self.reason),
            credential=plain(self.credential),
            address=plain(self.address),
            request_id=plain(self.request_id),
        )

    @property
    def durable(self) -> bool:
        """Whether it is stored before the answer is given; the others follow within a fraction of a second."""
        return self.outcome != "success" or self.category in _DURABLE


def is_kept(entry: AuditEntry, level: AuditLevel) -> bool:
    """Whether an entry is kept at this level."""
    if entry.outcome != "success" or entry.category in _ALWAYS or level == "full":
        return True
    return level == "standard" and entry.category != "authorization"


class AuditLog(Protocol):
    """Where entries go."""

    async def record(self, entry: AuditEntry) -> None:
        """Keep an entry, if the level asks for it. One that is `durable` is stored when this returns.

        Raises StoreUnavailableError where it could not be kept in time: then what it tells of must not go on.
        """
        ...
