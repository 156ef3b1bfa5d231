"""An external issuer of access tokens (OpenID Connect Discovery 1.0): what is asked of it, and whom its claims mean."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.errors import AnnalsError
from security.access_tokens import TYPE, AccessClaims, TokenRules
from security.errors import InvalidCredentialError
from security.jose import KIND_OF_KEY
from security.safe_urls import is_safe_url
from security.scopes import WrongScopeError, checked_scopes

MAX_LIFETIME_S = 24 * 3600.0
ACCOUNT_PREFIX = "oidc."
HASHED_PREFIX = "oidc+"
"""An account of ours that begins so was made for one of the issuer's users, to disable it or to add roles."""

_PLAIN = re.compile(r"[a-z0-9._@+-]{1,120}", re.ASCII)


class UnusableIssuerError(AnnalsError):
    """What the external issuer says of itself cannot be used; correct the setting oidc_issuer, or the issuer."""


@dataclass(frozen=True, slots=True)
class ExternalIssuer:
    """What is configured. `roles` and `tenants` lead from what a claim says to ours; what they lack gives nothing.

    A claim within another one is named with dots, as `realm_access.roles`. `type` is the token's `typ`.
    """

    issuer: str
    audience: str
    type: str = TYPE
    account_claim: str = "sub"
    roles_claim: str = "roles"
    roles: Mapping[str, str] = field(default_factory=dict)
    tenant: str = "default"
    tenant_claim: str | None = None
    tenants: Mapping[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> TokenRules:
        """What is asked of its tokens."""
        return TokenRules(
            self.issuer,
            self.audience,
            frozenset(KIND_OF_KEY),
            MAX_LIFETIME_S,
            types=frozenset({self.type.lower()}),
            several_audiences=True,
        )

    @property
    def discovery_url(self) -> str:
        """Where it describes itself (OpenID Connect Discovery 1.0, section 4)."""
        return self.issuer.rstrip("/") + "/.well-known/openid-configuration"

    def tenant_of(self, claims: AccessClaims) -> str:
        """Raises InvalidCredentialError where the claim leads to no tenant."""
        if self.tenant_claim is None:
            return self.tenant
        value = _claim(claims.all, self.tenant_claim)
        tenant = self.tenants.get(value) if isinstance(value, str) else None
        if tenant is None:
            raise InvalidCredentialError("a token of no tenant of ours")
        return tenant

    def account_of(self, claims: AccessClaims) -> str:
        """An account's id that no other subject has: one that cannot be written as it is, is hashed."""
        value = _claim(claims.all, self.account_claim)
        if not isinstance(value, str) or not value:
            raise InvalidCredentialError("a token that names no account")
        if _PLAIN.fullmatch(value):
            return ACCOUNT_PREFIX + value
        return HASHED_PREFIX + hashlib.sha256(value.encode()).hexdigest()[:40]

    def roles_of(self, claims: AccessClaims) -> tuple[str, ...]:
        """In order, each once."""
        value = _claim(claims.all, self.roles_claim)
        named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(sorted({self.roles[one] for one in named if isinstance(one, str) and one in self.roles}))


def own_scopes(claims: AccessClaims) -> tuple[str, ...] | None:
    """Those that are ours, which narrow; others (`openid`, `profile`) say nothing of us."""
    ours: list[str] = []
    for scope in claims.scopes or ():
        try:
            ours += checked_scopes([scope])
        except WrongScopeError:
            continue
    return tuple(sorted(set(ours))) or None


def keys_url(metadata: Any, issuer: ExternalIssuer) -> str:
    """Where the keys are, by what the issuer says of itself. Raises UnusableIssuerError."""
    if not isinstance(metadata, dict) or metadata.get("issuer") != issuer.issuer:
        raise UnusableIssuerError(f"{issuer.discovery_url} names another issuer; correct the setting oidc_issuer")
    url = metadata.get("jwks_uri")
    if not isinstance(url, str) or not is_safe_url(url):
        raise UnusableIssuerError(f"{issuer.discovery_url} names no https address of keys; correct the issuer")
    return url


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found
