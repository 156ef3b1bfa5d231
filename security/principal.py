"""Who a request comes from, once that is proved."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Principal:
    """A user or a service account of one tenant.

    `scopes` are what the credential was narrowed to (`documents:read`), None where it was not: a scope never gives more
    than the roles do. `credential` names the token or key for the audit log; it is no secret.
    """

    id: str
    kind: Literal["user", "service"]
    tenant: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...] | None
    credential: str
