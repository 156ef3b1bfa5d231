"""A JSON Web Token taken apart without trust in it (RFC 7515, RFC 7519), and its signature checked (RFC 8725).

What a verifier decides by comes from its own table of keys: the algorithm belongs to the key, never to the token.
Nothing that a header says of keys (`jwk`, `jku`, `x5u`, `x5c`) is followed, and a critical extension is refused.
"""

import base64
import binascii
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact

from contracts.payload import storable
from security.errors import InvalidCredentialError

PublicKey = ECKey | OKPKey | RSAKey
KIND_OF_KEY: Mapping[str, type[PublicKey]] = {"EdDSA": OKPKey, "Ed25519": OKPKey, "ES256": ECKey, "RS256": RSAKey}
"""The algorithms that there are; all of them asymmetric."""
MIN_RSA_BITS = 2048
MAX_DEPTH = 16

_SEGMENTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)", re.ASCII)
# RFC 9864 gives Ed25519 a name of its own; the older one is still what most libraries write.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """What a token says of itself; nothing of it is known to be true."""

    text: str = field(repr=False)
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def key_id(self) -> str:
        """Of the key that it says it was signed with."""
        return str(self.header["kid"])


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, and the one algorithm that it is for."""

    key_id: str
    algorithm: str
    key: PublicKey

    @classmethod
    def of(cls, jwk: Mapping[str, Any]) -> "VerificationKey | None":
        """From a JSON Web Key; None for one that is not for verifying signatures, or for no algorithm of ours."""
        if jwk.get("use", "sig") != "sig" or not isinstance(jwk.get("kid"), str):
            return None
        guess = {"EC": "ES256", "RSA": "RS256", "OKP": "EdDSA"}.get(str(jwk.get("kty")), "")
        algorithm = jwk.get("alg", guess)
        kind = KIND_OF_KEY.get(algorithm) if isinstance(algorithm, str) else None
        if kind is None:
            return None
        try:
            key = kind.import_key({name: value for name, value in jwk.items() if name not in ("d", "p", "q", "k")})
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        if not _fits(key, algorithm):
            return None
        return cls(jwk["kid"], algorithm, key)


def parse(text: str) -> UnverifiedToken:
    """Take a token apart. Raises InvalidCredentialError for whatever is not one signed token, strictly written."""
    match = _SEGMENTS.fullmatch(text)
    if match is None:
        raise InvalidCredentialError("no signed token")
    header, claims = _object(match[1]), _object(match[2])
    _decoded(match[3])
    if not isinstance(header.get("kid"), str) or not 0 < len(header["kid"]) <= 256:
        raise InvalidCredentialError("a token without the id of its key")
    if not isinstance(header.get("alg"), str) or header["alg"] not in KIND_OF_KEY:
        raise InvalidCredentialError("a token of an algorithm that is not allowed")
    if "crit" in header or "b64" in header:
        raise InvalidCredentialError("a token with a critical extension")
    return UnverifiedToken(text, header, claims)


def check_signature(token: UnverifiedToken, key: VerificationKey) -> None:
    """Raises InvalidCredentialError."""
    if token.header["alg"] != key.algorithm or token.key_id != key.key_id:
        raise InvalidCredentialError("a token of another algorithm than its key's")
    try:
        deserialize_compact(
            token.text,
            key.key,
            algorithms=[key.algorithm],
            registry=JWSRegistry(algorithms=[key.algorithm], strict_check_header=False),
        )
    except (JoseError, ValueError, TypeError):
        raise InvalidCredentialError("a token with a wrong signature") from None


def _fits(key: PublicKey, algorithm: str) -> bool:
    if isinstance(key, RSAKey):
        return key.public_key.key_size >= MIN_RSA_BITS
    return key.curve_name == ("P-256" if algorithm == "ES256" else "Ed25519")


def _object(segment: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(segment).decode(), object_pairs_hook=_once_each, parse_constant=_no_number)
        _check(found, MAX_DEPTH)
    except (ValueError, RecursionError):
        raise InvalidCredentialError("a token that is not plain JSON") from None
    if not isinstance(found, dict):
        raise InvalidCredentialError("a token that is no object")
    return found


def _decoded(segment: str) -> bytes:
    """One spelling for each content: what encodes otherwise than it is written is refused."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except (binascii.Error, ValueError):
        raise InvalidCredentialError("a token that is not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise InvalidCredentialError("a token that is not base64url")
    return raw


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError("no finite number")


def _check(value: Any, left: int) -> None:
    """Nothing too deep, and no text that no database keeps. Raises ValueError."""
    if left < 0:
        raise ValueError("too deep")
    storable(value)
    if isinstance(value, dict | list):
        for inner in (*value, *value.values()) if isinstance(value, dict) else value:
            _check(inner, left - 1)
