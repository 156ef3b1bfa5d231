"""Signing in from outside: open to everybody, limited by address, and nothing secret is told twice."""

import logging

import httpx
import pytest

from gateway.app import EnhancedKnowledgeStorageGateway
from security.errors import BlockedError, InvalidCredentialError, TooManyAttemptsError
from security.passwords import PasswordsBusyError
from tests.gateway.fakes import Gateway
from tests.gateway.test_chain import problem

PASSWORD = "correct horse battery"
SIGN_IN = "/api/v1/auth/sign-in"


def of_address(app: EnhancedKnowledgeStorageGateway, address: str) -> httpx.AsyncClient:
    """A client that comes from there."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def signed_in(gateway: Gateway, **body: object) -> httpx.Response:
    """The answer to ada, or to what is given instead."""
    return await gateway.client.post(SIGN_IN, json={"user": "ada", "password": PASSWORD} | body)


async def test_tokens_for_a_password_and_for_a_refresh_token(gateway: Gateway) -> None:
    answer = await signed_in(gateway)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "access_token": "eyJ.secret",
        "token_type": "Bearer",
        "expires_at": "2026-01-05T10:10:00Z",
        "refresh_token": "anr_1",
        "refresh_expires_at": "2026-01-05T10:10:00Z",
        "scopes": None,
    }
    assert answer.headers["cache-control"] == "no-store"
    following = await gateway.client.post("/api/v1/auth/refresh", json={"refresh_token": "anr_1"})
    assert (following.status_code, following.headers["cache-control"]) == (200, "no-store")
    ended = await gateway.client.post("/api/v1/auth/sign-out", json={"refresh_token": "anr_1"})
    assert (ended.status_code, ended.content) == (204, b"")
    assert [one[-2] for one in gateway.sign_in.asked] == ["127.0.0.1"] * 3
    assert gateway.sign_in.asked[0][-1] == answer.headers["x-request-id"]
    assert gateway.tokens.asked == [], "nobody is asked for a credential"


async def test_an_unknown_user_and_a_wrong_password_get_the_same_answer(gateway: Gateway) -> None:
    answers = [
        await signed_in(gateway, **wrong)
        for wrong in ({"password": "wrong"}, {"user": "nobody"}, {"user": "a' OR 1"}, {"tenant": "acme"}, {"user": ""})
    ]
    told = [problem(one, 401, "invalid-credential") | {"instance": ""} for one in answers]
    assert all(one == told[0] for one in told)
    names = [sorted(one.headers) for one in answers]
    assert all(one == names[0] for one in names)
    wrong = await gateway.client.post("/api/v1/auth/refresh", json={"refresh_token": "anr_2"})
    problem(wrong, 401, "invalid-credential")


async def test_who_must_wait_is_told_for_how_long(gateway: Gateway) -> None:
    for error, kind, wait in (
        (TooManyAttemptsError(3.2), "too-many-attempts", "4"),
        (BlockedError(59.5), "blocked", "60"),
    ):
        gateway.sign_in.failures = [error]
        answer = await signed_in(gateway)
        problem(answer, 429, kind)
        assert answer.headers["retry-after"] == wait
    gateway.sign_in.failures = [PasswordsBusyError()]
    problem(await signed_in(gateway), 503, "passwords-busy")


async def test_attempts_are_limited_by_address_and_not_by_the_name_that_is_sent(gateway: Gateway) -> None:
    async with of_address(gateway.app, "192.0.2.7") as here, of_address(gateway.app, "192.0.2.8") as there:
        for number in range(30):
            answer = await here.post(SIGN_IN, json={"user": f"u{number}", "password": PASSWORD})
            assert answer.status_code == 401
        refused = await here.post(SIGN_IN, json={"user": "ada", "password": PASSWORD})
        problem(refused, 429, "too-many-requests")
        assert refused.headers["retry-after"] == "2"
        assert len(gateway.sign_in.asked) == 30, "no password is looked at"
        assert (await there.post(SIGN_IN, json={"user": "ada", "password": PASSWORD})).status_code == 200


async def test_an_ipv6_network_of_one_customer_is_one_address(gateway: Gateway) -> None:
    for number in range(31):
        async with of_address(gateway.app, f"2001:db8:0:1::{number:x}") as client:
            answer = await client.post(SIGN_IN, json={"user": "ada", "password": PASSWORD})
    problem(answer, 429, "too-many-requests")


@pytest.mark.parametrize(
    "body",
    [
        {"password": "s3cr3t-word"},
        {"user": "ada"},
        {"user": "ada", "password": "s3cr3t-word", "roles": ["administrator"]},
        {"user": "ada", "password": ["s3cr3t-word"]},
        {"user": "ada", "password": "s3cr3t-word" * 200},
        {"user": {"s3cr3t-word": 1}, "password": "s3cr3t-word"},
        {"user": "ada", "password": "s3cr3t-word", "scopes": "s3cr3t-word"},
    ],
)
async def test_bodies_are_neither_logged_nor_sent_back(
    gateway: Gateway, body: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await gateway.client.post(SIGN_IN, json=body)
    problem(answer, 422, "invalid-fields")
    gateway.sign_in.failures = [RuntimeError("broken"), InvalidCredentialError("a wrong password")]
    for status in (500, 401):
        assert (await signed_in(gateway, password="s3cr3t-word")).status_code == status
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("gateway"))
    assert "s3cr3t-word" not in answer.text + ours + caplog.text


async def test_the_keys_that_sign_are_open_and_may_be_kept_for_a_while(gateway: Gateway) -> None:
    answer = await gateway.client.get("/.well-known/jwks.json")
    assert (answer.status_code, answer.json()) == (200, {"keys": [{"kty": "EC", "kid": "k7"}]})
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert "d" not in answer.json()["keys"][0]
