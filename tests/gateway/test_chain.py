"""Each step of the chain, alone and in its order."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from contracts.errors import AnnalsError
from eventstore.errors import ConflictError, StoreUnavailableError
from gateway import exchange
from gateway.chain import processing
from gateway.chain.repeated import EVERY_S, Repeated
from gateway.endpoint import ApiEndpointConfig
from gateway.endpoints import ENDPOINTS
from inference.model import InferenceError
from services.errors import LimitError, OverloadedError, TooManyQuestionsError
from tests.gateway.fakes import ADA, DOCUMENT, Gateway

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, object]:
    """The body, which is a problem of this kind."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    body: dict[str, object] = answer.json()
    assert (body["type"], body["status"]) == (f"urn:annals:problem:{name}", status)
    assert body["instance"] == f"urn:annals:request:{answer.headers['x-request-id']}"
    return body


async def test_a_document_through_the_whole_chain(gateway: Gateway) -> None:
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA | {"traceparent": TRACE})
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["ratelimit-policy"] == '"default";q=100;w=60'
    assert answer.headers["ratelimit"] == '"default";r=99;t=1'
    ((caller, request),) = gateway.storage.stored
    assert (caller.tenant, caller.actor, caller.source) == ("default", "ada", "http")
    assert caller.correlation_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert (request.document_id, request.text) == ("d1", DOCUMENT["text"])
    again = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    assert (again.status_code, again.json()["outcome"]) == (200, "updated")
    deliveries = {request.delivery_id for _, request in gateway.storage.stored}
    assert len(deliveries) == 2, "two requests are two deliveries"


# ---- Who, and what he may ----


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer"}])
async def test_nobody_gets_in_without_a_token(gateway: Gateway, headers: dict[str, str]) -> None:
    for endpoint in ENDPOINTS:
        if endpoint.auth_required:
            path = endpoint.path.replace("{", "").replace("}", "")
            answer = await gateway.client.request(endpoint.method, path, headers=headers)
            problem(answer, 401, "missing-credential")
            assert answer.headers["www-authenticate"] == 'Bearer realm="annals"'
    assert gateway.storage.stored == []
    assert gateway.measures.used == {}, "who is not known is not limited by name"
    assert {(one.category, one.outcome, one.reason) for one in gateway.audit.entries} == {
        ("authentication", "denied", "no credential")
    }


async def test_who_may_not_is_refused_before_his_limit_and_his_body_are_looked_at(gateway: Gateway) -> None:
    gateway.permissions.denied = {"documents:write"}
    answer = await gateway.client.post("/api/v1/documents", content=b"{", headers=ADA)
    body = problem(answer, 403, "access-denied")
    assert "no role gives it" in str(body["detail"])
    assert [(one.category, one.outcome, one.actor, one.resource) for one in gateway.audit.entries] == [
        ("authentication", "success", "ada", "/api/v1/documents"),
        ("authorization", "denied", "ada", "documents"),
    ]
    assert gateway.measures.used == {}


async def test_unknown_paths_and_methods(gateway: Gateway) -> None:
    problem(await gateway.client.get("/nothing", headers=ADA), 404, "unknown-path")
    answer = await gateway.client.delete("/api/v1/reasoning/query", headers=ADA)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"
    problem(await gateway.client.get("/api/v1/documents/%ff", headers=ADA), 400, "malformed-request")
    assert gateway.tokens.asked == []


async def test_open_paths_ask_nobody(gateway: Gateway) -> None:
    assert (await gateway.client.get("/health/live")).json() == {"status": "pass", "checks": {}}
    assert (await gateway.client.get("/health/ready")).json()["checks"] == {"databases": "pass"}
    gateway.failing = {"databases"}
    answer = await gateway.client.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "fail", "checks": {"databases": "fail"}})
    assert gateway.tokens.asked == []


# ---- Limits ----


async def test_so_many_requests_of_each_user_and_path_and_no_more(gateway: Gateway) -> None:
    async def asked(headers: dict[str, str]) -> httpx.Response:
        return await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=headers)

    statuses = [(await asked(ADA)).status_code for _ in range(100)]
    assert set(statuses) == {200, 201}
    refused = await asked(ADA)
    problem(refused, 429, "too-many-requests")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"default";r=0;t=60'
    assert (await asked({"authorization": "Bearer eve"})).status_code == 200
    assert (await asked({"authorization": "Bearer acme-ada"})).status_code == 200, "another tenant's ada is another one"
    assert len(gateway.storage.stored) == 102


async def test_while_the_limiter_is_away_this_process_counts(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*arguments: object) -> None:
        raise StoreUnavailableError("Redis does not answer")

    monkeypatch.setattr(gateway.measures, "take", away)
    answers = [await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA) for _ in range(100)]
    assert {answer.status_code for answer in answers} == {200, 201}
    # A busy machine gives some of the minute's hundred back before it has asked for all.
    while answers[-1].status_code != 429 and len(answers) < 300:
        answers.append(await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA))
    assert answers[-1].status_code == 429 and int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OverloadedError(retry_after_s=2.4), "overloaded"),
        (TooManyQuestionsError("too many; ask again later", retry_after_s=2.4), "too-many-questions"),
    ],
)
async def test_other_limits_say_when_to_come_again_too(gateway: Gateway, error: LimitError, name: str) -> None:
    gateway.storage.failures = [error]
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    problem(answer, 429, name)
    assert answer.headers["retry-after"] == "3"
    assert (await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)).status_code == 201


# ---- The request ----


@pytest.mark.parametrize(
    ("body", "kind", "status", "name"),
    [
        (b"{", "application/json", 400, "malformed-request"),
        (b"\xff\xfe", "application/json", 400, "malformed-request"),
        (b"[" * 100_000, "application/json", 400, "malformed-request"),
        (b'{"id": ' + b"9" * 10_000 + b"}", "application/json", 400, "malformed-request"),
        (b"", "application/json", 422, "invalid-fields"),
        (b"[]", "application/json", 422, "invalid-fields"),
        (b"{}", "application/json", 422, "invalid-fields"),
        (json.dumps(DOCUMENT | {"tenant": "other"}).encode(), "application/json", 422, "invalid-fields"),
        (json.dumps(DOCUMENT | {"text": " \u200b"}).encode(), "application/json", 422, "invalid-fields"),
        (json.dumps(DOCUMENT | {"title": "\ud800"}).encode(), "application/json", 422, "invalid-fields"),
        (json.dumps(DOCUMENT | {"title": "a\x00b"}).encode(), "application/json", 422, "invalid-fields"),
        (
            json.dumps(DOCUMENT | {"attributes": {"a": float("nan")}}).encode(),
            "application/json",
            422,
            "invalid-fields",
        ),
        (json.dumps(DOCUMENT).encode(), "text/plain", 415, "media-type"),
        (json.dumps(DOCUMENT).encode(), "", 415, "media-type"),
    ],
)
async def test_bodies_that_are_not_what_is_expected(
    gateway: Gateway, body: bytes, kind: str, status: int, name: str
) -> None:
    answer = await gateway.client.post("/api/v1/documents", content=body, headers=ADA | {"content-type": kind})
    problem(answer, status, name)
    assert gateway.storage.stored == []


async def test_says_where_a_field_is_wrong(gateway: Gateway) -> None:
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT | {"attributes": {"a": [1]}}, headers=ADA)
    errors = problem(answer, 422, "invalid-fields")["errors"]
    assert isinstance(errors, list) and errors[0]["pointer"].startswith("/attributes/a")


async def test_a_coded_body_is_not_taken(gateway: Gateway) -> None:
    headers = ADA | {"content-encoding": "gzip", "content-type": "application/json"}
    problem(await gateway.client.post("/api/v1/documents", content=b"x", headers=headers), 415, "body-encoding")


async def test_a_body_is_counted_while_it_arrives(gateway: Gateway) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    headers = ADA | {"content-type": "application/json"}
    answer = await gateway.client.post("/api/v1/reasoning/query", content=endless(), headers=headers)
    problem(answer, 413, "body-too-large")
    assert sent <= 3 * 65_536
    assert answer.headers["connection"] == "close"


async def test_a_body_that_says_it_is_too_large_is_not_read(gateway: Gateway) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"x"

    for length, status, name in (("99999999", 413, "body-too-large"), ("-1", 400, "malformed-request")):
        headers = ADA | {"content-length": length, "content-type": "application/json"}
        problem(await gateway.client.post("/api/v1/reasoning/query", content=body(), headers=headers), status, name)
    assert read == 0


async def test_a_body_that_does_not_arrive_is_waited_for_no_longer_than_its_limit(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "BODY_LIMIT_S", 0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = ADA | {"content-type": "application/json"}
    answer = await gateway.client.post("/api/v1/documents", content=stuck(), headers=headers)
    problem(answer, 408, "slow-request")


async def test_a_get_with_a_body_is_refused(gateway: Gateway) -> None:
    problem(await gateway.client.request("GET", "/health/live", content=b"x"), 413, "body-too-large")


# ---- The handler: its time, and its tries ----


async def test_a_store_that_comes_back_is_asked_again_with_the_same_delivery(gateway: Gateway) -> None:
    gateway.storage.failures = [StoreUnavailableError(), StoreUnavailableError(), StoreUnavailableError()]
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    assert (answer.status_code, gateway.storage.tries) == (201, 4)


async def test_a_store_that_stays_away_is_asked_no_more_often_than_the_table_says(gateway: Gateway) -> None:
    gateway.storage.failures = [StoreUnavailableError() for _ in range(9)]
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    problem(answer, 503, "store-unavailable")
    assert gateway.storage.tries == 4


async def test_other_errors_are_not_tried_again(gateway: Gateway) -> None:
    gateway.storage.failures = [ConflictError()]
    problem(await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA), 409, "conflict")
    assert gateway.storage.tries == 1


async def test_a_handler_that_takes_too_long_is_cut_off() -> None:
    gateway = Gateway([replace(one, timeout_s=0.05) for one in ENDPOINTS])
    cut = asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    gateway.storage.pause = forever
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    problem(answer, 504, "deadline-exceeded")
    assert cut.is_set()
    answer = await gateway.client.post("/api/v1/reasoning/query", json={"query": "Who?"}, headers=ADA)
    problem(answer, 504, "deadline-exceeded")


async def test_a_fault_of_ours_says_nothing_of_itself_outside_and_all_in_the_log(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.storage.failures = [RuntimeError("the secret is 1234")]
    answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    problem(answer, 500, "internal")
    assert "1234" not in answer.text
    assert "1234" in caplog.text and answer.headers["x-request-id"] in caplog.text


async def test_a_store_that_is_away_is_logged_once_for_many_requests(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(error: type[AnnalsError], text: str) -> None:
        gateway.storage.failures = [error(text) for _ in range(4)]
        answer = await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
        assert answer.status_code == 503

    for _ in range(3):
        await fail(StoreUnavailableError, "PostgreSQL is away")
    await fail(InferenceError, "no model")
    told = [record.getMessage().partition(": ")[2] for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["PostgreSQL is away", "no model"]


def test_how_often_it_came_is_told_with_the_next_line() -> None:
    now = 100.0
    repeated = Repeated(lambda: now)
    assert [repeated.due() for _ in range(4)] == [0, None, None, None]
    now += EVERY_S
    assert [repeated.due() for _ in range(2)] == [3, None]
    now += EVERY_S
    assert repeated.due() == 1


# ---- The answer ----


async def test_request_ids_are_the_clients_where_they_are_well_formed(gateway: Gateway) -> None:
    async def given(headers: dict[str, str]) -> str:
        return str((await gateway.client.get("/health/live", headers=headers)).headers["x-request-id"])

    assert await given({"x-request-id": "r-1"}) == "r-1"
    for broken in ("with space", "x" * 129, "ü"):
        assert await given({"x-request-id": broken.encode("latin-1")}) != broken  # type: ignore[dict-item]
    assert await given({}) != await given({})


@pytest.mark.parametrize(
    ("traceparent", "expected"),
    [
        (TRACE, "4bf92f3577b34da6a3ce929d0e0e4736"),
        (TRACE.replace("00-4b", "01-4b") + "-more", "4bf92f3577b34da6a3ce929d0e0e4736"),
        (TRACE + "-more", None),
        (TRACE.replace("00-4b", "ff-4b"), None),
        (TRACE.upper(), None),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", None),
        ("", None),
    ],
)
def test_trace_ids_are_those_of_valid_headers(traceparent: str, expected: str | None) -> None:
    assert exchange.trace_id(traceparent.encode()) == expected


async def test_every_answer_has_its_headers(gateway: Gateway) -> None:
    for answer in (await gateway.client.get("/health/live"), await gateway.client.get("/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in answer.headers


# ---- Parameters ----


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one.method == "GET"], ids=lambda one: one.path)
async def test_a_parameter_that_an_endpoint_does_not_know_is_refused_by_its_name(
    gateway: Gateway, endpoint: ApiEndpointConfig
) -> None:
    path = endpoint.path.replace("{", "").replace("}", "")
    answer = await gateway.client.get(path, params={"titel_prefix": "x", "tenant": ""}, headers=ADA)
    errors = problem(answer, 422, "invalid-fields")["errors"]
    assert isinstance(errors, list)
    assert [one["pointer"] for one in errors] == ["query: titel_prefix", "query: tenant"]


async def test_unknown_parameters_are_named_within_bounds(gateway: Gateway) -> None:
    many = "&".join(f"{'x' * 90}{number}=1" for number in range(40))
    errors = problem(await gateway.client.get(f"/health/live?{many}"), 422, "invalid-fields")["errors"]
    assert isinstance(errors, list)
    assert (len(errors), {len(one["pointer"]) for one in errors}) == (16, {len("query: ") + 64})


@pytest.mark.parametrize("query", ["", "?query=", "?query=%20%09", "?query=&mode=text"])
async def test_a_search_for_nothing_is_refused(gateway: Gateway, query: str) -> None:
    answer = await gateway.client.get(f"/api/v1/search{query}", headers=ADA)
    assert problem(answer, 422, "invalid-fields")["errors"] == [
        {"pointer": "query: query", "detail": "it is blank, and so is `like`"}
    ]


async def test_head_has_the_head_alone(gateway: Gateway) -> None:
    answer = await gateway.client.head("/nothing")
    assert (answer.status_code, answer.content) == (404, b"")


async def test_the_log_names_requests_and_holds_no_credentials(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await gateway.client.post("/api/v1/documents?token=s3cr3t", json=DOCUMENT, headers={"authorization": "Bearer ada"})
    await gateway.client.get("/line%0Abreak", headers={"x-request-id": "r-2"})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("gateway")]
    assert any("POST '/api/v1/documents' by ada" in line for line in ours)
    assert any(line.startswith("r-2: 404 GET '/line\\nbreak'") for line in ours)
    assert not any("s3cr3t" in line or "Bearer" in line or "coast" in line for line in ours)


async def test_metrics_count_by_the_paths_of_the_table(gateway: Gateway) -> None:
    await gateway.client.post("/api/v1/documents", json=DOCUMENT, headers=ADA)
    await gateway.client.get("/a-path-that-nobody-knows")
    text = (await gateway.client.get("/metrics", headers=ADA)).text
    assert 'annals_http_requests_total{method="POST",path="/api/v1/documents",status="201"}' in text
    assert 'annals_http_requests_total{method="unknown",path="unknown",status="404"}' in text
    assert "a-path-that-nobody-knows" not in text
