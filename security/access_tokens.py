"""Access tokens: the claims that are asked of one (RFC 9068, RFC 8725), ours and those of an external issuer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from security.errors import InvalidCredentialError
from security.jose import UnverifiedToken

SKEW_S = 30.0
"""How far the clocks of two machines may be apart."""
TYPE = "at+jwt"

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}", re.ASCII)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Whose tokens, for whom, and for how long at most. `types` are values of `typ` in lower case.

    `several_audiences`: whether the audience may be one of several, as OpenID Connect allows where `azp` is given.
    """

    issuer: str
    audience: str
    algorithms: frozenset[str]
    max_lifetime_s: float
    types: frozenset[str] = frozenset({TYPE})
    several_audiences: bool = False


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a token says, once it is believed. `scopes` is None where it names none; times are of the epoch."""

    subject: str
    token_id: str | None
    issued_at: float
    expires_at: float
    scopes: tuple[str, ...] | None
    all: Mapping[str, Any]


def check_claims(token: UnverifiedToken, rules: TokenRules, now: float) -> AccessClaims:
    """What the token says, after its signature was checked. Raises InvalidCredentialError."""
    header, claims = token.header, token.claims
    kind = header.get("typ")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in rules.types:
        raise InvalidCredentialError("a token of another type")
    if header["alg"] not in rules.algorithms:
        raise InvalidCredentialError("a token of an algorithm that is not allowed")
    if claims.get("iss") != rules.issuer:
        raise InvalidCredentialError("a token of another issuer")
    _check_audience(claims, rules)
    issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
    if expires_at + SKEW_S <= now:
        raise InvalidCredentialError("an expired token")
    if issued_at - SKEW_S > now or ("nbf" in claims and _time(claims, "nbf") - SKEW_S > now):
        raise InvalidCredentialError("a token of the future")
    if not 0 < expires_at - issued_at <= rules.max_lifetime_s:
        raise InvalidCredentialError("a token that lives too long")
    subject, token_id = claims.get("sub"), claims.get("jti")
    if not isinstance(subject, str) or not 0 < len(subject) <= 256:
        raise InvalidCredentialError("a token without subject")
    if token_id is not None and (not isinstance(token_id, str) or not 0 < len(token_id) <= 256):
        raise InvalidCredentialError("a token with a malformed id")
    return AccessClaims(subject, token_id, issued_at, expires_at, _scopes(claims), claims)


def _check_audience(claims: Mapping[str, Any], rules: TokenRules) -> None:
    audience = claims.get("aud")
    if audience in (rules.audience, [rules.audience]):
        return
    several = rules.several_audiences and claims.get("azp") == rules.audience
    if not (several and isinstance(audience, list) and rules.audience in audience):
        raise InvalidCredentialError("a token for another audience")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise InvalidCredentialError(f"a token whose {name} is no time")
    return float(value)


def _scopes(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = claims.get("scope")
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidCredentialError("a token with malformed scopes")
    scopes = value.split(" ") if value else []
    if len(scopes) > 64 or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise InvalidCredentialError("a token with malformed scopes")
    return tuple(scopes)
