"""Tricks with access tokens, each refused with the one message that says nothing."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from security.errors import InvalidCredentialError
from services.deadline import Deadline
from tests.services.security.conftest import ROOT, Identities

Claims = dict[str, Any]


@dataclass
class Workshop:
    """A token that counts, the key that signed it, and an attacker's own key."""

    text: str
    header: dict[str, Any]
    claims: Claims
    public: dict[str, Any]
    private: ECKey

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """By the right key, whatever it says; a claim that is None is left out."""
        changed = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return jwt.encode({**self.header, **(header or {})}, changed, self.private, algorithms=["ES256"])

    def written(self, header: str, claims: str | None = None) -> str:
        """By the right key, of any text."""
        body = json.dumps(self.claims) if claims is None else claims
        signing_input = f"{b64(header.encode())}.{b64(body.encode())}"
        key = self.private.private_key
        assert key is not None
        signature = key.sign(signing_input.encode(), ECDSA(SHA256()))
        r, s = decode_dss_signature(signature)
        return f"{signing_input}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hs256(workshop: Workshop, secret: bytes, **header: Any) -> str:
    """Signed with a text that everybody knows."""
    head = b64(json.dumps({**workshop.header, "alg": "HS256", **header}).encode())
    signing_input = f"{head}.{b64(json.dumps(workshop.claims).encode())}"
    return f"{signing_input}.{b64(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"


def with_other_key(workshop: Workshop, **header: Any) -> str:
    """Signed by the attacker's key of the same kind."""
    return jwt.encode({**workshop.header, **header}, workshop.claims, MINE, algorithms=["ES256"])


def unsigned(workshop: Workshop, algorithm: str, signature: str = "") -> str:
    """No signature, or any."""
    header = b64(json.dumps({**workshop.header, "alg": algorithm}).encode())
    return f"{header}.{workshop.text.split('.')[1]}.{signature}"


def replaced(workshop: Workshop, part: int, by: Callable[[str], str]) -> str:
    """One of the three segments written otherwise."""
    segments = workshop.text.split(".")
    segments[part] = by(segments[part])
    return ".".join(segments)


def pem(workshop: Workshop) -> bytes:
    """The public key, as many servers keep it."""
    return ECKey.import_key(workshop.public).as_pem(private=False)


MINE = ECKey.generate_key("P-256", {"kid": "mine"})
NOW = time.time()
HOUR = 3600

TRICKS: dict[str, Callable[[Workshop], str]] = {
    # the algorithm
    "alg none": lambda w: unsigned(w, "none"),
    "alg none, with a signature": lambda w: unsigned(w, "none", w.text.split(".")[2]),
    "alg None": lambda w: unsigned(w, "None", "AA"),
    "alg NONE": lambda w: unsigned(w, "NONE", "AA"),
    "alg nOnE": lambda w: unsigned(w, "nOnE", "AA"),
    "alg empty": lambda w: unsigned(w, "", "AA"),
    "alg missing": lambda w: w.written(json.dumps({"kid": w.header["kid"], "typ": "at+jwt"})),
    "alg a number": lambda w: w.written(json.dumps({**w.header, "alg": 256})),
    "alg a list": lambda w: w.written(json.dumps({**w.header, "alg": ["ES256"]})),
    "alg null": lambda w: w.written(json.dumps({**w.header, "alg": None})),
    "alg in lower case": lambda w: w.written(json.dumps({**w.header, "alg": "es256"})),
    "HS256 with the public key as PEM": lambda w: hs256(w, pem(w)),
    "HS256 with the public key as PEM, stripped": lambda w: hs256(w, pem(w).strip()),
    "HS256 with the public key as JSON": lambda w: hs256(w, json.dumps(w.public).encode()),
    "HS256 with the public key's x": lambda w: hs256(w, w.public["x"].encode()),
    "HS256 with an empty secret": lambda w: hs256(w, b""),
    "HS256 with a weak secret": lambda w: hs256(w, b"secret"),
    "HS256 with a key of its own": lambda w: hs256(w, b"k" * 32, jwk=OctKey.import_key(b"k" * 32).as_dict()),
    "RS256 for an EC key": lambda w: jwt.encode(
        {**w.header, "alg": "RS256"}, w.claims, RSAKey.generate_key(2048), algorithms=["RS256"]
    ),
    "EdDSA for an EC key": lambda w: jwt.encode(
        {**w.header, "alg": "EdDSA"}, w.claims, OKPKey.generate_key("Ed25519"), algorithms=["EdDSA"]
    ),
    "ES384": lambda w: jwt.encode(
        {**w.header, "alg": "ES384"}, w.claims, ECKey.generate_key("P-384"), algorithms=["ES384"]
    ),
    # the key
    "another key under the right id": with_other_key,
    "an unknown key": lambda w: with_other_key(w, kid="a" * 16),
    "no key's id": lambda w: w.written(json.dumps({"alg": "ES256", "typ": "at+jwt"})),
    "an empty id": lambda w: w.signed({"kid": ""}),
    "an id that is a number": lambda w: w.written(json.dumps({**w.header, "kid": 1})),
    "an id that is a list": lambda w: w.written(json.dumps({**w.header, "kid": [w.header["kid"]]})),
    "an id that is an object": lambda w: w.written(json.dumps({**w.header, "kid": {"$ne": ""}})),
    "SQL in the id": lambda w: with_other_key(w, kid="x' UNION SELECT public_key FROM annals.signing_keys --"),
    "SQL in the id, always true": lambda w: with_other_key(w, kid="' OR '1'='1"),
    "a path in the id": lambda w: with_other_key(w, kid="../../../../dev/null"),
    "a file in the id": lambda w: hs256(w, b"", kid="/dev/null"),
    "a command in the id": lambda w: with_other_key(w, kid="|/usr/bin/id"),
    "NUL in the id": lambda w: with_other_key(w, kid=w.header["kid"] + "\x00"),
    "a newline behind the id": lambda w: w.signed({"kid": w.header["kid"] + "\n"}),
    "the id in upper case": lambda w: w.signed({"kid": w.header["kid"].upper()}),
    "a very long id": lambda w: with_other_key(w, kid="a" * 300),
    "its own key in the header (jwk)": lambda w: with_other_key(w, jwk=MINE.as_dict(private=False)),
    "its own key under an unknown id (jwk)": lambda w: with_other_key(w, kid="mine", jwk=MINE.as_dict(private=False)),
    "its own keys elsewhere (jku)": lambda w: with_other_key(w, kid="mine", jku="https://192.0.2.66/jwks.json"),
    "its own certificate elsewhere (x5u)": lambda w: with_other_key(w, x5u="https://192.0.2.66/cert.pem"),
    "its own certificate (x5c)": lambda w: with_other_key(w, x5c=["MIIB"]),
    # the header
    "another type": lambda w: w.signed({"typ": "JWT"}),
    "an ID token's type": lambda w: w.signed({"typ": "id_token+jwt"}),
    "a logout token's type": lambda w: w.signed({"typ": "logout+jwt"}),
    "no type": lambda w: w.written(json.dumps({"alg": "ES256", "kid": w.header["kid"]})),
    "a type that is a list": lambda w: w.written(json.dumps({**w.header, "typ": ["at+jwt"]})),
    "a critical extension": lambda w: w.written(json.dumps({**w.header, "crit": ["exp"], "exp": 1})),
    "an unencoded payload (b64)": lambda w: w.written(json.dumps({**w.header, "b64": False, "crit": ["b64"]})),
    "alg twice in the header": lambda w: w.written(
        f'{{"alg":"none","alg":"ES256","kid":"{w.header["kid"]}","typ":"at+jwt"}}'
    ),
    "kid twice in the header": lambda w: w.written(
        f'{{"alg":"ES256","kid":"mine","kid":"{w.header["kid"]}","typ":"at+jwt"}}'
    ),
    "a header that is a list": lambda w: w.written("[]"),
    "a header that is no JSON": lambda w: w.written("{"),
    "a header of single quotes": lambda w: w.written(str(w.header)),
    # the claims
    "expired": lambda w: w.signed(iat=NOW - HOUR, nbf=NOW - HOUR, exp=NOW - 60),
    "expired long ago": lambda w: w.signed(iat=1, nbf=1, exp=2),
    "without expiry": lambda w: w.signed(exp=None),
    "without time of issue": lambda w: w.signed(iat=None),
    "an expiry that is a text": lambda w: w.signed(exp=str(NOW + 60)),
    "an expiry that is true": lambda w: w.signed(exp=True),
    "an expiry that is infinite": lambda w: w.written(json.dumps(w.header), json.dumps({**w.claims, "exp": 1e999})),
    "an expiry that is no number": lambda w: w.written(
        json.dumps(w.header), json.dumps({**w.claims, "exp": float("nan")})
    ),
    "an expiry of 1e400": lambda w: w.written(
        json.dumps(w.header), json.dumps(w.claims).replace(str(w.claims["exp"]), "1e400")
    ),
    "an expiry of five thousand digits": lambda w: w.written(
        json.dumps(w.header), json.dumps(w.claims).replace(str(w.claims["exp"]), "9" * 5000)
    ),
    "an expiry of four hundred digits": lambda w: w.signed(exp=10**400),
    "an expiry below zero": lambda w: w.signed(exp=-1),
    "lives too long": lambda w: w.signed(exp=w.claims["iat"] + 30 * 24 * HOUR),
    "of the future": lambda w: w.signed(iat=NOW + HOUR, nbf=NOW + HOUR, exp=NOW + HOUR + 60),
    "not yet": lambda w: w.signed(nbf=NOW + HOUR),
    "a beginning that is a text": lambda w: w.signed(nbf="0"),
    "ends before it begins": lambda w: w.signed(exp=w.claims["iat"] - 1),
    "another issuer": lambda w: w.signed(iss="https://issuer.example"),
    "another Annals": lambda w: w.signed(iss="urn:annals:00000000-0000-0000-0000-000000000000"),
    "no issuer": lambda w: w.signed(iss=None),
    "a list of issuers": lambda w: w.signed(iss=[w.claims["iss"], "https://issuer.example"]),
    "the issuer with a slash": lambda w: w.signed(iss=w.claims["iss"] + "/"),
    "the issuer in upper case": lambda w: w.signed(iss=w.claims["iss"].upper()),
    "another audience": lambda w: w.signed(aud="elsewhere"),
    "no audience": lambda w: w.signed(aud=None),
    "an empty list of audiences": lambda w: w.signed(aud=[]),
    "ours among other audiences": lambda w: w.signed(aud=["elsewhere", "annals"]),
    "ours first among audiences": lambda w: w.signed(aud=["annals", "elsewhere"]),
    "ours twice": lambda w: w.signed(aud=["annals", "annals"]),
    "the audience within another": lambda w: w.signed(aud="annals.example"),
    "audiences as an object": lambda w: w.signed(aud={"annals": True}),
    "no subject": lambda w: w.signed(sub=None),
    "an empty subject": lambda w: w.signed(sub=""),
    "a subject that is a list": lambda w: w.signed(sub=["ada"]),
    "a subject that is an object": lambda w: w.signed(sub={"$gt": ""}),
    "SQL in the subject": lambda w: w.signed(sub="ada' --"),
    "NUL in the subject": lambda w: w.signed(sub="ada\x00"),
    "half a surrogate in the subject": lambda w: w.written(
        json.dumps(w.header), json.dumps({**w.claims, "sub": "\ud800"})
    ),
    "a subject that there is not": lambda w: w.signed(sub="nobody"),
    "a very long subject": lambda w: w.signed(sub="a" * 300),
    "another tenant": lambda w: w.signed(tenant="other"),
    "no tenant": lambda w: w.signed(tenant=None),
    "a tenant that is a list": lambda w: w.signed(tenant=["acme"]),
    "every tenant": lambda w: w.signed(tenant="*"),
    "a path for a tenant": lambda w: w.signed(tenant="../acme"),
    "no id": lambda w: w.signed(jti=None),
    "an id that is a list of ids": lambda w: w.signed(jti=["a", "b"]),
    "scopes as a list": lambda w: w.signed(scope=["documents:read"]),
    "malformed scopes": lambda w: w.signed(scope='documents:read "'),
    "sub twice": lambda w: w.written(json.dumps(w.header), '{"sub":"eve",' + json.dumps(w.claims)[1:]),
    "exp twice": lambda w: w.written(json.dumps(w.header), '{"exp":1,' + json.dumps(w.claims)[1:]),
    "tenant twice": lambda w: w.written(json.dumps(w.header), '{"tenant":"other",' + json.dumps(w.claims)[1:]),
    "claims that are a list": lambda w: w.written(json.dumps(w.header), "[]"),
    "claims that are a text": lambda w: w.written(json.dumps(w.header), '"ada"'),
    "claims that are null": lambda w: w.written(json.dumps(w.header), "null"),
    "claims that are no JSON": lambda w: w.written(json.dumps(w.header), "sub=ada"),
    "claims that are no UTF-8": lambda w: replaced(w, 1, lambda _: b64(b"\xff\xfe{}")),
    "nested claims": lambda w: w.written(json.dumps(w.header), '{"a":' + "[" * 2000 + "]" * 2000 + "}"),
    # the form
    "cut off": lambda w: w.text[:-1],
    "cut off in the middle": lambda w: w.text[: len(w.text) // 2],
    "without signature": lambda w: w.text.rpartition(".")[0],
    "with an empty signature": lambda w: w.text.rpartition(".")[0] + ".",
    "two segments": lambda w: ".".join(w.text.split(".")[:2]),
    "four segments": lambda w: w.text + ".AAAA",
    "five segments, as if encrypted": lambda w: f"{w.text}.AAAA.AAAA",
    "only dots": lambda w: "..",
    "padded": lambda w: replaced(w, 1, lambda segment: segment + "=" * (-len(segment) % 4 or 4)),
    "another spelling of the signature": lambda w: respelled(w.text),
    "a signature of zeros": lambda w: replaced(w, 2, lambda _: b64(bytes(64))),
    "a signature in DER": lambda w: replaced(w, 2, lambda _: b64(bytes.fromhex("3006020101020101"))),
    "a signature of another token": lambda w: replaced(w, 2, lambda _: w.signed(jti="other").split(".")[2]),
    "claims of another token": lambda w: replaced(
        w, 1, lambda _: b64(json.dumps({**w.claims, "sub": "root"}).encode())
    ),
    "a bit of the signature": lambda w: replaced(
        w, 2, lambda segment: b64(bytes([base64.urlsafe_b64decode(segment + "==")[0] ^ 1]) + b"\x00" * 63)
    ),
    "huge": lambda w: w.signed(more="a" * 7000)[:8000],
    "larger than any header": lambda w: w.signed(more="a" * 100_000),
    "JSON serialization": lambda w: b64(json.dumps({"payload": "e30", "signatures": []}).encode()),
    "a refresh token": lambda w: "anr_" + "a" * 16 + "_" + "b" * 43,
}


def respelled(text: str) -> str:
    """The last character carries four bits of nothing: another one may decode to the same signature."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    number = alphabet.index(text[-1])
    return text[:-1] + alphabet[number ^ 1]


@pytest.fixture
async def workshop(here: Identities) -> Workshop:
    """Ada's token, and what is behind it."""
    await here.account("ada")
    token = await here.opened.tokens.issue(ROOT, "ada", deadline=Deadline.after(10))
    header, claims, _ = token.text.split(".")
    head = json.loads(base64.urlsafe_b64decode(header + "=="))
    public = (await here.opened.signer.jwks())["keys"][0]
    _, private = await here.opened.signer._current()
    return Workshop(
        token.text,
        head,
        json.loads(base64.urlsafe_b64decode(claims + "==")),
        dict(public),
        private,
    )


async def test_each_is_refused_and_says_nothing(here: Identities, workshop: Workshop) -> None:
    wrong: dict[str, str] = {}
    for number, (trick, make) in enumerate(TRICKS.items()):
        client = f"198.51.{number // 250}.{number % 250}"
        try:
            principal = await here.who(make(workshop), client)
        except InvalidCredentialError as error:
            if str(error) != str(InvalidCredentialError("")) or not error.reason:
                wrong[trick] = f"says {error}"
        else:
            wrong[trick] = f"lets {principal} in"
        # It was no other fault of the attempt: what is signed rightly counts.
        assert (await here.who(workshop.signed(jti=f"{number}"), client)).id == "ada"
    assert wrong == {} and len(TRICKS) > 120


async def test_what_the_workshop_writes_itself_counts(here: Identities, workshop: Workshop) -> None:
    written = workshop.written(json.dumps(workshop.header))
    assert (await here.who(written)).id == "ada"
    assert (await here.who(workshop.signed(aud=["annals"]))).id == "ada"
    assert (await here.who(workshop.signed({"typ": "application/at+jwt"}))).id == "ada"
