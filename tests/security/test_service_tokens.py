"""A service's token is for one message to one instance, for half a minute, and taken once."""

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from security import service_tokens
from security.service_tokens import (
    LIFE_S,
    SKEW_S,
    Peer,
    SeenTokens,
    ServiceIdentity,
    ServiceTokenError,
    claimed_sender,
    verify,
)

GATEWAY, REASONING = ServiceIdentity("gateway"), ServiceIdentity("reasoning")
BODY = b'{"query":"who?"}'


def token(**changed: Any) -> str:
    return GATEWAY.sign(REASONING.peer, BODY, {"op": "query", **changed})


def forged(key: Any, header: dict[str, Any], **claims: Any) -> str:
    now = int(time.time())
    own = {
        "iss": "gateway",
        "sub": GATEWAY.peer.instance,
        "aud": REASONING.peer.name,
        "iat": now,
        "exp": now + 10,
        "jti": "1",
        "body": service_tokens.digest_of(BODY),
        **claims,
    }
    own = {name: value for name, value in own.items() if value is not None}
    full = {"kid": GATEWAY.peer.instance, "typ": service_tokens.TYPE, "alg": "Ed25519", **header}
    return jwt.encode(full, own, key, algorithms=[full["alg"]], default_type=None)


def test_what_was_signed_is_read() -> None:
    signed = token()
    assert claimed_sender(signed) == GATEWAY.peer.instance
    claims = verify(signed, GATEWAY.peer, GATEWAY.public_key, REASONING.peer, BODY)
    assert (claims["op"], claims["iss"]) == ("query", "gateway")


def test_claims_of_ours_cannot_be_given() -> None:
    claims = verify(
        token(iss="admin", aud="all", exp=2**40, body="x"), GATEWAY.peer, GATEWAY.public_key, REASONING.peer, BODY
    )
    assert claims["iss"] == "gateway" and claims["exp"] - claims["iat"] == LIFE_S


@pytest.mark.parametrize(
    ("sender", "audience", "body"),
    [
        (GATEWAY.peer, REASONING.peer, BODY + b" "),
        (GATEWAY.peer, Peer("reasoning", "another"), BODY),
        (GATEWAY.peer, Peer("storage", REASONING.peer.instance), BODY),
        (Peer("admin", GATEWAY.peer.instance), REASONING.peer, BODY),
        (Peer("gateway", "another"), REASONING.peer, BODY),
    ],
)
def test_for_another_message_it_is_nothing(sender: Peer, audience: Peer, body: bytes) -> None:
    with pytest.raises(ServiceTokenError):
        verify(token(), sender, GATEWAY.public_key, audience, body)


def test_another_key_is_not_its_own() -> None:
    with pytest.raises(ServiceTokenError):
        verify(token(), GATEWAY.peer, REASONING.public_key, REASONING.peer, BODY)


OWN = GATEWAY._key
OLD = int(time.time()) - LIFE_S - SKEW_S - 60


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "a.b.c",
        "é.é.é",
        token()[:-4],
        token().rsplit(".", 1)[0] + ".",
        forged(OWN, {}, iat=OLD, exp=OLD + LIFE_S),
        forged(OWN, {}, iat=int(time.time()), exp=int(time.time()) + 3600),
        forged(OWN, {}, exp=None),
        forged(OWN, {}, iat=None),
        forged(OWN, {}, jti=None),
        forged(OWN, {}, body=None),
        forged(OWN, {}, jti=["a"]),
        forged(OWN, {}, exp="soon"),
        forged(OWN, {"typ": "JWT"}),
        forged(OctKey.import_key(GATEWAY.public_key), {"alg": "HS256"}),
        forged(OKPKey.generate_key("Ed25519"), {}),
    ],
)
def test_what_is_not_right_is_refused(bad: str) -> None:
    with pytest.raises(ServiceTokenError):
        claimed_sender(bad)
        verify(bad, GATEWAY.peer, GATEWAY.public_key, REASONING.peer, BODY)


def test_without_a_signature_it_is_refused() -> None:
    import base64
    import json

    header, payload, _ = token().split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": GATEWAY.peer.instance}).encode()).rstrip(b"=")
    for bad in (f"{none.decode()}.{payload}.", f"{header}.{payload}."):
        with pytest.raises(ServiceTokenError):
            verify(bad, GATEWAY.peer, GATEWAY.public_key, REASONING.peer, BODY)


def test_no_token_is_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = SeenTokens()
    claims = verify(token(), GATEWAY.peer, GATEWAY.public_key, REASONING.peer, BODY)
    seen.take(claims)
    with pytest.raises(ServiceTokenError):
        seen.take(claims)
    seen.take({"jti": "another"})
    # What cannot be remembered any more is not taken; room comes back with time.
    monkeypatch.setattr(service_tokens, "SEEN_LIMIT", 2)
    with pytest.raises(ServiceTokenError):
        seen.take({"jti": "a third"})
    later = time.time() + LIFE_S + 3 * SKEW_S
    monkeypatch.setattr(time, "time", lambda: later)
    seen.take({"jti": "a third"})


def test_the_private_key_is_nowhere() -> None:
    secret = GATEWAY._key.as_dict(private=True)["d"]
    assert str(secret) not in token() and str(secret) not in GATEWAY.public_key + repr(GATEWAY) + repr(vars(GATEWAY))
