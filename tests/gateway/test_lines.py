"""Documents as lines: a result for each, in order, while the request still arrives."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from eventstore.errors import StoreUnavailableError
from gateway.chain import processing
from gateway.handlers import lines
from tests.gateway.fakes import ADA, DOCUMENT, Gateway
from tests.gateway.test_chain import problem

PATH = "/api/v1/documents/lines"
HEADERS = ADA | {"content-type": "application/x-ndjson"}


def results(answer: httpx.Response) -> list[dict[str, Any]]:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.content.splitlines()]


async def test_each_line_has_its_result(gateway: Gateway) -> None:
    sent = [json.dumps(DOCUMENT | {"id": f"d{number}"}) for number in range(20)]
    sent[3], sent[5], sent[7] = "{", json.dumps({"id": "x"}), ""
    found = results(await gateway.client.post(PATH, content="\n".join(sent), headers=HEADERS))
    assert [one["line"] for one in found] == [number + 1 for number in range(20) if number != 7]
    assert {one["line"] for one in found if "problem" in one} == {4, 6}
    assert found[3]["problem"]["type"] == "urn:annals:problem:malformed-request"
    assert len(gateway.storage.stored) == 17
    assert len({request.delivery_id for _, request in gateway.storage.stored}) == 17


async def test_of_a_document_that_comes_twice_the_later_line_is_the_later_version(gateway: Gateway) -> None:
    sent = "\n".join(json.dumps(DOCUMENT | {"text": f"text {number}"}) for number in range(3))
    found = results(await gateway.client.post(PATH, content=sent, headers=HEADERS))
    assert [one["version"] for one in found] == [1, 2, 3]
    assert [request.text for _, request in gateway.storage.stored] == ["text 0", "text 1", "text 2"]


async def test_results_come_while_lines_are_still_sent(gateway: Gateway) -> None:
    """Called as a server calls it: httpx would wait for the whole request."""
    answered: asyncio.Queue[bytes] = asyncio.Queue()
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(message: Any) -> None:
        if message.get("body"):
            await answered.put(message["body"])

    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    headers.append((b"host", b"gateway"))
    scope: dict[str, object] = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": PATH,
        "query_string": b"",
    }
    scope["headers"] = headers
    running = asyncio.create_task(gateway.app(scope, sent.get, send))
    async with asyncio.timeout(10):
        for number in (1, 2, 3):
            line = json.dumps(DOCUMENT | {"id": f"d{number}"}).encode() + b"\n"
            await sent.put({"type": "http.request", "body": line[:20], "more_body": True})
            await sent.put({"type": "http.request", "body": line[20:], "more_body": True})
            assert json.loads(await answered.get())["line"] == number
        await sent.put({"type": "http.request", "body": b"", "more_body": False})
        await running


async def test_a_line_whose_store_is_away_is_told_and_the_others_go_on(gateway: Gateway) -> None:
    gateway.storage.failures = [StoreUnavailableError("at 10.1.2.3")]
    sent = "\n".join(json.dumps(DOCUMENT | {"id": f"d{number}"}) for number in range(2))
    first, second = results(await gateway.client.post(PATH, content=sent, headers=HEADERS))
    assert first["problem"]["status"] == 503 and "10.1.2.3" not in str(first)
    assert second["outcome"] == "ingested"


async def test_what_ends_the_request_early_is_its_last_line(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "BODY_LIMIT_S", 0.05)
    monkeypatch.setattr(lines, "LINE_BYTES", 1000)

    async def stuck() -> AsyncIterator[bytes]:
        yield json.dumps(DOCUMENT).encode() + b"\n"
        await asyncio.Event().wait()

    async def long() -> AsyncIterator[bytes]:
        yield json.dumps(DOCUMENT).encode() + b"\n" + b"x" * 1001

    for content, name in ((stuck(), "slow-request"), (long(), "body-too-large")):
        found = results(await gateway.client.post(PATH, content=content, headers=HEADERS))
        assert found[-1]["problem"]["type"] == f"urn:annals:problem:{name}"
    assert len(gateway.storage.stored) >= 1


async def test_lines_are_said_to_be_lines(gateway: Gateway) -> None:
    problem(await gateway.client.post(PATH, json=DOCUMENT, headers=ADA), 415, "media-type")
