"""Credentials that are none: each is 401, says nothing, and is found in the audit log of no tenant."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from annals.composition.use_cases import UseCases
from tests.gateway.attacks.attack import Attacker, Target, is_problem, says_nothing, status_of
from tests.gateway.real import HOME, THEIRS, root, soon
from tests.services.security.test_token_tricks import TRICKS, Workshop

PATH = "/api/v1/documents"


@pytest.fixture(scope="module")
def workshop(target: Target) -> Workshop:
    """A real token of the gateway, and the key that signed it."""

    async def made(use_cases: UseCases) -> Workshop:
        security = use_cases.security
        await security.accounts.create(root(), "ada", "user", ["reader"], deadline=soon())
        text = (await security.tokens.issue(root(), "ada", deadline=soon())).text
        public = dict((await security.signer.jwks())["keys"][0])
        _, private = await security.signer._current()
        header, claims, _ = (
            json.loads(base64.urlsafe_b64decode(part + "==")) for part in (*text.split(".")[:2], "e30")
        )
        return Workshop(text, header, claims, public, private)

    return target.inside.do(made)


def test_the_token_itself_comes_in(target: Target, workshop: Workshop) -> None:
    """Else the tricks below would be refused for another reason."""
    for text in (workshop.text, workshop.signed()):
        answer = target.send(Attacker("ada", "127.9.9.9", text), "GET", PATH)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("trick", TRICKS)
def test_a_token_that_is_none(target: Target, workshop: Workshop, trick: str) -> None:
    attacker = target.attacker()
    text = TRICKS[trick](workshop)
    if len(text) > 60_000:
        head = f"GET {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {text}\r\n\r\n"
        assert status_of(target.raw(attacker, head.encode())) == 431
        return
    answer = target.send(attacker, "GET", PATH, headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 401, answer.text
    is_problem(answer)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert text[-20:] not in answer.text
    assert target.denied(attacker)


def key(target: Target, *, tenant: str = HOME, **options: Any) -> tuple[str, str]:
    """A key of a new reader, and who he is."""
    reader = target.attacker("reader", tenant=tenant)
    if options:
        issued = target.inside.do(
            lambda use: use.security.api_keys.issue(root(tenant), reader.name, "k", deadline=soon(), **options)
        )
        return issued.text, reader.name
    assert reader.token is not None
    return reader.token, reader.name


def secret_of(text: str) -> str:
    """The last part of a key's text; it may hold underscores of its own."""
    return text.split("_", 2)[2]


def without_secret(text: str) -> str:
    """What of a key's text may be known."""
    return text.removesuffix(secret_of(text))


def revoked(target: Target) -> str:
    """One that was revoked."""
    text, _ = key(target)
    target.inside.do(lambda use: use.security.api_keys.revoke(root(), text.split("_")[1], deadline=soon()))
    return text


def disabled(target: Target) -> str:
    """One of an account that is disabled."""
    text, name = key(target)
    target.inside.do(lambda use: use.security.accounts.disable(root(), name, None, deadline=soon()))
    return text


def expired(target: Target) -> str:
    """One whose time is over."""
    return key(target, lifetime=timedelta(microseconds=1))[0]


def mixed(target: Target) -> str:
    """The id of one and the secret of another."""
    (one, _), (other, _) = key(target), key(target, tenant=THEIRS)
    return "_".join((*one.split("_", 2)[:2], other.split("_", 2)[2]))


Headers = list[tuple[str, str]]
REFUSED: dict[str, Callable[[Target], Headers]] = {
    "a revoked key": lambda t: [("authorization", f"Bearer {revoked(t)}")],
    "a key of a disabled account": lambda t: [("authorization", f"Bearer {disabled(t)}")],
    "an expired key": lambda t: [("authorization", f"Bearer {expired(t)}")],
    "one key's id, another's secret": lambda t: [("authorization", f"Bearer {mixed(t)}")],
    "a key cut off": lambda t: [("authorization", f"Bearer {key(t)[0][:-1]}")],
    "a key in upper case": lambda t: [("authorization", f"Bearer {key(t)[0].upper()}")],
    "a key with a character more": lambda t: [("authorization", f"Bearer {key(t)[0]}A")],
    "the id of a key alone": lambda t: [("authorization", f"Bearer {without_secret(key(t)[0])}")],
    "a wildcard for a secret": lambda t: [("authorization", "Bearer ann_" + "%" * 16 + "_" + "%" * 43)],
    "SQL for a key": lambda t: [("authorization", "Bearer ann_' OR '1'='1_x")],
    "Basic instead of Bearer": lambda t: [("authorization", f"Basic {key(t)[0]}")],
    "user and password": lambda t: [("authorization", "Basic " + base64.b64encode(b"local-admin:admin").decode())],
    "Digest": lambda t: [("authorization", 'Digest username="local-admin"')],
    "Negotiate": lambda t: [("authorization", "Negotiate YII=")],
    "no scheme": lambda t: [("authorization", key(t)[0])],
    "the scheme twice": lambda t: [("authorization", f"Bearer Bearer {key(t)[0]}")],
    "two keys in one header": lambda t: [("authorization", f"Bearer {key(t)[0]}, Bearer {key(t)[0]}")],
    "two headers, the first counts": lambda t: [
        ("authorization", f"Bearer {key(t)[0]}"),
        ("authorization", "Bearer x"),
    ],
    "two headers, the second counts": lambda t: [
        ("authorization", "Bearer x"),
        ("authorization", f"Bearer {key(t)[0]}"),
    ],
    "two headers, both count": lambda t: [
        ("authorization", f"Bearer {key(t)[0]}"),
        ("authorization", f"Bearer {key(t, tenant=THEIRS)[0]}"),
    ],
    "an empty header": lambda t: [("authorization", "")],
    "Bearer alone": lambda t: [("authorization", "Bearer")],
    "a tab between": lambda t: [("authorization", f"Bearer\t{key(t)[0]}")],
    "nothing": lambda t: [],
    "X-Api-Key": lambda t: [("x-api-key", key(t)[0])],
    "X-Auth-Token": lambda t: [("x-auth-token", key(t)[0])],
    "Proxy-Authorization": lambda t: [("proxy-authorization", f"Bearer {key(t)[0]}")],
    "a cookie": lambda t: [("cookie", f"access_token={key(t)[0]}; session={key(t)[0]}")],
    "X-Forwarded-User": lambda t: [("x-forwarded-user", "local-admin"), ("x-remote-user", "local-admin")],
    "a service's token": lambda t: [("authorization", "Bearer eyJhbGciOiJFZERTQSJ9.e30.AA"), ("x-annals-caller", "{}")],
    "underscore for the dash": lambda t: [("authorization_", f"Bearer {key(t)[0]}")],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_credential(target: Target, name: str) -> None:
    headers = REFUSED[name](target)
    attacker = target.attacker()
    answer = target.send(attacker, "GET", PATH, headers=httpx.Headers(headers))
    assert answer.status_code == 401, answer.text
    is_problem(answer)
    assert target.denied(attacker)


@pytest.mark.parametrize("name", ["access_token", "token", "api_key", "key", "Authorization", "bearer"])
def test_a_token_in_the_query_is_none_and_is_not_logged(target: Target, name: str) -> None:
    text, _ = key(target)
    attacker = target.attacker()
    answer = target.send(attacker, "GET", f"{PATH}?{name}={text}")
    assert answer.status_code == 401
    says_nothing(answer.text)
    assert text not in answer.text and text not in target.gateway.log()
    assert target.found_in_audit(attacker, "denied", tenant=None)


@pytest.mark.parametrize("where", ["body", "path"])
def test_a_token_elsewhere_is_none_and_is_not_logged(target: Target, where: str) -> None:
    text, _ = key(target)
    attacker = target.attacker()
    if where == "body":
        body = {"id": "a", "title": "t", "text": "Some text.", "access_token": text}
        answer = target.send(attacker, "POST", PATH, json=body)
    else:
        answer = target.send(attacker, "GET", f"{PATH}/{text}")
    assert answer.status_code == 401
    assert secret_of(text) not in answer.text + target.gateway.log()
    assert target.found_in_audit(attacker, "denied", tenant=None)


def test_a_key_of_another_tenant_is_good_for_that_one_alone(target: Target) -> None:
    text, name = key(target, tenant=THEIRS)
    attacker = Attacker(name, target.attacker().address, text)
    for headers in ({}, {"x-tenant": HOME}, {"x-tenant-id": HOME}, {"annals-tenant": HOME}):
        answer = target.send(attacker, "GET", PATH, headers=headers)
        assert [one["document_id"] for one in answer.json()["documents"]] == ["vault"]
    assert target.found_in_audit(attacker, "success", tenant=THEIRS)
