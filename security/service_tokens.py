"""How a service proves to another who it is: a JWT of short life, signed with its process' own key (RFC 8725).

A process makes an Ed25519 key as it starts and publishes the public half where only services write. The private half
never leaves the process, so no secret is shared, and a key lives no longer than its process. A token is for one call:
it names the instance that it is for, and the SHA-256 of what is sent with it.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from contracts.errors import AnnalsError

ALGORITHM = "Ed25519"
TYPE = "annals-service+jwt"
LIFE_S = 30
SKEW_S = 5
"""How far the clocks of two machines may be apart."""
SEEN_LIMIT = 200_000


class ServiceTokenError(AnnalsError):
    """The service token is not valid here; see that both services use one database, and that their clocks agree."""


@dataclass(frozen=True, slots=True)
class Peer:
    """An instance of a service: `reasoning/4f0c...`."""

    service: str
    instance: str

    @property
    def name(self) -> str:
        """As tokens spell it."""
        return f"{self.service}/{self.instance}"


class ServiceIdentity:
    """Who this process is, with its private key."""

    def __init__(self, service: str) -> None:
        self.peer = Peer(service, uuid4().hex)
        self._key = OKPKey.generate_key("Ed25519", private=True)

    @property
    def public_key(self) -> str:
        """What others verify with: 32 bytes, base64url."""
        return str(self._key.as_dict(private=False)["x"])

    def sign(self, audience: Peer, body: bytes, claims: Mapping[str, Any], token_id: str | None = None) -> str:
        """A token for one message to `audience`; `token_id` is its own, made at random where it is not given."""
        now = int(time.time())
        return jwt.encode(
            {"alg": ALGORITHM, "kid": self.peer.instance},
            {
                **claims,
                "iss": self.peer.service,
                "sub": self.peer.instance,
                "aud": audience.name,
                "iat": now,
                "exp": now + LIFE_S,
                "jti": token_id or uuid4().hex,
                "body": digest_of(body),
            },
            self._key,
            algorithms=[ALGORITHM],
            default_type=TYPE,
        )


def digest_of(body: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def claimed_sender(token: str) -> str:
    """The instance that the token says it is of, not verified: whose key to look up. Raises ServiceTokenError."""
    from joserfc.jws import extract_compact

    try:
        kid = extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError) as error:
        raise ServiceTokenError from error
    if not isinstance(kid, str) or not kid or len(kid) > 64:
        raise ServiceTokenError
    return kid


def verify(token: str, sender: Peer, public_key: str, audience: Peer, body: bytes) -> dict[str, Any]:
    """The claims of a token that `sender` signed for this message to `audience`. Raises ServiceTokenError."""
    claims = verify_sender(token, sender, public_key, audience)
    check_body(claims, body)
    return claims


def check_body(claims: Mapping[str, Any], body: bytes) -> None:
    """Raises ServiceTokenError where the token was signed for another message."""
    if claims["body"] != digest_of(body):
        raise ServiceTokenError


def verify_sender(token: str, sender: Peer, public_key: str, audience: Peer) -> dict[str, Any]:
    """The same before the message is there: `check_body` is to follow. Raises ServiceTokenError."""
    try:
        key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": public_key})
        read = jwt.decode(token, key, algorithms=[ALGORITHM])
        jwt.JWTClaimsRegistry(
            leeway=SKEW_S,
            iss={"essential": True, "value": sender.service},
            sub={"essential": True, "value": sender.instance},
            aud={"essential": True, "value": audience.name},
            iat={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
            body={"essential": True},
        ).validate(read.claims)
    except (JoseError, ValueError) as error:
        raise ServiceTokenError from error
    issued, expires = read.claims["iat"], read.claims["exp"]
    if read.header.get("typ") != TYPE or expires - issued > LIFE_S or not isinstance(read.claims["jti"], str):
        raise ServiceTokenError
    return dict(read.claims)


class SeenTokens:
    """The tokens that were used here and would still be valid: none is taken twice."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def take(self, claims: Mapping[str, Any]) -> None:
        """Raises ServiceTokenError where this one was taken before, or where more are valid than can be remembered."""
        now = time.time()
        while self._until and next(iter(self._until.values())) < now:
            self._until.popitem(last=False)
        token = str(claims["jti"])
        if token in self._until or len(self._until) >= SEEN_LIMIT:
            raise ServiceTokenError
        self._until[token] = now + LIFE_S + 2 * SKEW_S
