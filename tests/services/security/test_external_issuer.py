"""An external issuer, a small one on loopback: its keys are found by discovery and fetched seldom."""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from annals.composition.security import open_security
from annals.composition.stores import open_stores
from annals.settings import load_settings
from security.errors import InvalidCredentialError
from security.oidc import ExternalIssuer
from services.deadline import Deadline
from services.security.external_issuer import (
    FRESH_FOR_S,
    PAUSE_S,
    USABLE_FOR_S,
    IssuerKeys,
    IssuerUnavailableError,
    issuer_client,
)
from tests.services.security.conftest import ROOT, Identities

KEYS: dict[str, Key] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256", "use": "sig"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed", "alg": "EdDSA", "use": "sig"}),
}


class Provider:
    """Serves its metadata and its keys; counts who asks for keys."""

    def __init__(self) -> None:
        self.keys: list[Any] = [key.as_dict(private=False) for key in KEYS.values()]
        self.asked = 0
        self.answer: Callable[[str], bytes | None] = lambda path: None
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = provider.answer(self.path) or provider.document(self.path)
                if self.path == "/keys":
                    provider.asked += 1
                if self.path == "/elsewhere":
                    self.send_response(302)
                    self.send_header("Location", "/keys")
                else:
                    self.send_response(200 if body else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.jwks_uri = f"{self.issuer}/keys"

    def document(self, path: str) -> bytes:
        """What it says."""
        if path == "/.well-known/openid-configuration":
            return json.dumps({"issuer": self.issuer, "jwks_uri": self.jwks_uri}).encode()
        return json.dumps({"keys": self.keys}).encode() if path == "/keys" else b""

    def token(self, algorithm: str = "ES256", header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Of Ada, unless the claims say otherwise."""
        now = time.time()
        said = {
            "iss": self.issuer,
            "aud": "annals",
            "sub": "ada",
            "iat": now,
            "exp": now + 300,
            "groups": ["staff"],
            **claims,
        }
        key = KEYS[algorithm]
        head = {"alg": algorithm, "kid": key.kid, "typ": "at+jwt", **(header or {})}
        return jwt.encode(head, {k: v for k, v in said.items() if v is not None}, key, algorithms=[algorithm])


@pytest.fixture
def provider() -> Iterator[Provider]:
    """One that runs."""
    one = Provider()
    thread = threading.Thread(target=one.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield one
    one.server.shutdown()
    thread.join(10)
    one.server.server_close()


@pytest.fixture
async def here(tmp_path: Path, dsn: str, provider: Provider) -> AsyncIterator[Identities]:
    """A process that is told of the provider."""
    settings = load_settings(
        data=tmp_path,
        oidc_issuer=provider.issuer,
        oidc_audience="annals",
        oidc_roles_claim="groups",
        oidc_roles={"staff": "reader"},
        oidc_tenant="acme",
    )
    async with open_stores(settings, dsn) as stores, open_security(stores) as security:
        yield Identities(security, stores.pool)


@pytest.mark.parametrize("algorithm", KEYS)
async def test_its_tokens_are_believed(here: Identities, provider: Provider, algorithm: str) -> None:
    for _ in range(3):
        principal = await here.who(provider.token(algorithm, jti="t1", scope="openid"))
        assert (principal.id, principal.kind, principal.tenant) == ("oidc.ada", "user", "acme")
        assert (principal.roles, principal.scopes, principal.credential) == (("reader",), None, "oidc:t1")
    assert provider.asked == 1


async def test_an_account_made_for_one_of_its_users_adds_roles_and_keeps_him_out(
    here: Identities, provider: Provider
) -> None:
    text = provider.token()
    await here.who(text)
    await here.accounts.create(ROOT, "oidc.ada", "user", ["auditor"], deadline=Deadline.after(10))
    assert (await here.who(text)).roles == ("auditor", "reader")
    await here.accounts.disable(ROOT, "oidc.ada", None, deadline=Deadline.after(10))
    with pytest.raises(InvalidCredentialError) as refused:
        await here.who(text)
    assert refused.value.reason == "a disabled account"


async def test_nobody_becomes_one_of_our_accounts(here: Identities, provider: Provider) -> None:
    await here.accounts.create(ROOT, "root", "user", ["administrator"], deadline=Deadline.after(10))
    principal = await here.who(provider.token(sub="root"))
    assert (principal.id, principal.roles) == ("oidc.root", ("reader",))


async def test_several_audiences_need_the_authorized_party(here: Identities, provider: Provider) -> None:
    both = ["annals", "other"]
    assert (await here.who(provider.token(aud=both, azp="annals"))).id == "oidc.ada"
    for claims in ({"aud": both}, {"aud": both, "azp": "other"}, {"aud": ["other"], "azp": "annals"}):
        with pytest.raises(InvalidCredentialError):
            await here.who(provider.token(**claims))


async def test_tricks_are_refused(here: Identities, provider: Provider) -> None:
    mine = ECKey.generate_key("P-256", {"kid": "mine"})
    now = time.time()
    tricks: dict[str, str] = {
        "another audience": provider.token(aud="other"),
        "no audience": provider.token(aud=None),
        "expired": provider.token(iat=now - 600, exp=now - 60),
        "of the future": provider.token(iat=now + 600, exp=now + 900),
        "without expiry": provider.token(exp=None),
        "lives too long": provider.token(exp=now + 30 * 24 * 3600),
        "an ID token": provider.token(header={"typ": "JWT"}),
        "another issuer": provider.token(iss="https://issuer.example"),
        "ours as the issuer": provider.token(iss="urn:annals:x"),
        "an unknown key": provider.token(header={"kid": "none"}),
        "another key's id": provider.token(header={"kid": "rsa"}),
        "its own key in the header": jwt.encode(
            {"alg": "ES256", "kid": "mine", "typ": "at+jwt", "jwk": mine.as_dict(private=False)},
            {"iss": provider.issuer, "aud": "annals", "sub": "ada", "iat": now, "exp": now + 60},
            mine,
            algorithms=["ES256"],
        ),
        "no subject": provider.token(sub=None),
        "a subject that is a list": provider.token(sub=["ada"]),
    }
    wrong = {}
    for number, (trick, text) in enumerate(tricks.items()):
        try:
            wrong[trick] = await here.who(text, f"198.51.100.{number}")
        except InvalidCredentialError as error:
            assert str(error) == str(InvalidCredentialError(""))
    assert wrong == {}
    assert provider.asked <= 2


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1e6

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
async def keys(provider: Provider) -> AsyncIterator[tuple[IssuerKeys, Clock]]:
    """The issuer's keys, by a clock that a test moves."""
    clock = Clock()
    async with issuer_client() as client:
        yield IssuerKeys(ExternalIssuer(provider.issuer, "annals"), client, clock), clock


Keys = tuple[IssuerKeys, Clock]


async def test_unknown_keys_are_asked_for_seldom(keys: Keys, provider: Provider) -> None:
    found, clock = keys
    for number in range(50):
        with pytest.raises(InvalidCredentialError):
            await found.find(f"unknown {number}")
    assert provider.asked == 1
    clock.now += PAUSE_S
    with pytest.raises(InvalidCredentialError):
        await found.find("unknown")
    assert provider.asked == 2


async def test_a_new_key_is_found_and_one_that_was_taken_out_is_forgotten(keys: Keys, provider: Provider) -> None:
    found, clock = keys
    assert (await found.find("ec")).algorithm == "ES256"
    new = ECKey.generate_key("P-256", {"kid": "new", "alg": "ES256"})
    provider.keys = [new.as_dict(private=False)]
    clock.now += PAUSE_S
    assert (await found.find("new")).key_id == "new"
    with pytest.raises(InvalidCredentialError):
        await found.find("ec")
    provider.keys = []
    clock.now += FRESH_FOR_S + 1
    with pytest.raises(InvalidCredentialError):
        await found.find("new")


async def test_while_the_issuer_is_away_known_keys_serve_for_a_day(keys: Keys, provider: Provider) -> None:
    found, clock = keys
    await found.find("ec")
    provider.answer = lambda path: b"down"
    clock.now += USABLE_FOR_S - 1
    assert (await found.find("ec")).key_id == "ec"
    clock.now += 2
    with pytest.raises(IssuerUnavailableError):
        await found.find("ec")
    provider.answer = lambda path: None
    clock.now += PAUSE_S
    assert (await found.find("ec")).key_id == "ec"


@pytest.mark.parametrize(
    "answer",
    [
        lambda path: b'{"keys": []' + b" " * 300_000 + b"}",
        lambda path: b"[" * 100_000,
        lambda path: b"no JSON",
        lambda path: b"null",
        lambda path: b'{"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"}',
    ],
    ids=["long", "deep", "no JSON", "null", "another issuer"],
)
async def test_an_answer_that_cannot_be_used_is_as_none(
    keys: Keys, provider: Provider, answer: Callable[[str], bytes]
) -> None:
    provider.answer = answer
    with pytest.raises(IssuerUnavailableError):
        await keys[0].find("ec")


async def test_a_redirect_is_not_followed(keys: Keys, provider: Provider) -> None:
    provider.jwks_uri = f"{provider.issuer}/elsewhere"
    with pytest.raises(IssuerUnavailableError):
        await keys[0].find("ec")
    assert provider.asked == 0


async def test_keys_that_are_not_for_verifying_are_left_out(keys: Keys, provider: Provider) -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak", "alg": "RS256"}, auto_kid=False)
    provider.keys = [
        weak.as_dict(private=False),
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "oct", "kid": "secret2", "k": "c2VjcmV0"},
        {**KEYS["ES256"].as_dict(private=False), "kid": "sealing", "use": "enc"},
        {**KEYS["ES256"].as_dict(private=False), "kid": "confused", "alg": "HS256"},
        {**KEYS["ES256"].as_dict(private=False), "kid": 7},
        {"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": ["EC"], "kid": "odd"},
        "no key",
        KEYS["ES256"].as_dict(private=False),
    ]
    found, _ = keys
    assert (await found.find("ec")).algorithm == "ES256"
    for key_id in ("weak", "secret", "secret2", "sealing", "confused", "7", "broken", "odd"):
        with pytest.raises(InvalidCredentialError):
            await found.find(key_id)


def test_the_key_set_is_as_other_libraries_write_it() -> None:
    assert len(KeySet.import_key_set({"keys": [key.as_dict(private=False) for key in KEYS.values()]}).keys) == 3
