"""The form of answers: compression, cross-origin requests, and what is waited for."""

import asyncio
import gzip
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway.chain.compression import SMALLEST, Compressing, is_taken
from gateway.preferences import wait_s
from services.caller import Caller
from services.deadline import Deadline
from services.storage.waiting import DocumentProgress
from tests.gateway.fakes import ADA, DOCUMENT, Gateway


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        (None, False),
        (b"", False),
        (b"br", False),
        (b"gzip", True),
        (b"br, GZIP", True),
        (b"deflate, gzip;q=0.5", True),
        (b"gzip;q=0", False),
        (b"gzip; q=0.000, br", False),
        (b"*", True),
        (b"xgzip", False),
    ],
)
def test_who_takes_gzip(accepted: bytes | None, taken: bool) -> None:
    headers = [] if accepted is None else [(b"accept-encoding", accepted)]
    assert is_taken({"headers": headers}) == taken


async def test_a_large_answer_is_compressed_and_a_small_one_is_not(gateway: Gateway) -> None:
    async def asked(path: str, accepted: str) -> httpx.Response:
        return await gateway.client.get(path, headers={"accept-encoding": accepted})

    plain = await asked("/openapi.json", "identity")
    packed = await asked("/openapi.json", "gzip")
    assert packed.headers["content-encoding"] == "gzip" and packed.headers["vary"] == "accept-encoding"
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert packed.content == plain.content
    assert "content-encoding" not in (await asked("/health/live", "gzip")).headers


async def test_a_stream_passes_as_it_comes() -> None:
    sent: list[dict[str, object]] = []

    async def send(message: object) -> None:
        sent.append(dict(message))  # type: ignore[call-overload]

    compressing = Compressing(send)
    start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}
    await compressing(start)
    await compressing({"type": "http.response.body", "body": b"x" * 2 * SMALLEST, "more_body": True})
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert sent[1]["body"] == b"x" * 2 * SMALLEST
    assert gzip.compress(b"") != sent[1]["body"]


async def test_other_origins_are_off_unless_named() -> None:
    ask = {"origin": "https://app.example", "access-control-request-method": "POST"}
    off, on = Gateway(), Gateway(origins=["https://app.example"])
    refused = await off.client.options("/api/v1/documents", headers=ask)
    assert refused.status_code == 405 and "access-control-allow-origin" not in refused.headers
    preflight = await on.client.options("/api/v1/documents", headers=ask)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "https://app.example")
    assert "access-control-allow-credentials" not in preflight.headers
    for headers, seen in ((ADA | {"origin": "https://app.example"}, True), (ADA | {"origin": "https://evil"}, False)):
        answer = await on.client.post("/api/v1/documents", json=DOCUMENT, headers=headers)
        assert answer.status_code in (200, 201)
        assert ("access-control-allow-origin" in answer.headers) == seen
    failed = await on.client.post("/api/v1/documents", json={}, headers={"origin": "https://app.example"})
    assert (failed.status_code, failed.headers["access-control-allow-origin"]) == (401, "https://app.example")


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, None),
        ("", None),
        ("wait=5", 5),
        ('respond-async, WAIT = "7"', 7),
        ("wait=5; x=1", 5),
        ("wait=-1", None),
        ("await=5", None),
        ("wait=9999999", None),
    ],
)
def test_what_is_preferred(prefer: str | None, seconds: int | None) -> None:
    assert wait_s(prefer) == seconds


class Waiting:
    """Documents of which some are done; all are when `processed` is set."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self.processed = asyncio.Event()
        self.waited: list[list[str]] = []

    async def until_projected(self, caller: Caller, ids: list[str], *, deadline: Deadline) -> None:
        self.waited.append(ids)
        async with deadline.enforce("waiting"):
            await self.processed.wait()

    async def progress(self, caller: Caller, ids: list[str], *, deadline: Deadline) -> DocumentProgress:
        return DocumentProgress(
            tuple(one for one in ids if one in self.done), {}, tuple(one for one in ids if one not in self.done)
        )


async def test_how_far_documents_are_is_waited_for(gateway: Gateway) -> None:
    waiting: Any = Waiting()
    services = gateway.app._api.state.services
    object.__setattr__(services, "documents", replace(services.documents, waiting=waiting))

    async def asked(prefer: str | None) -> httpx.Response:
        headers = ADA | ({} if prefer is None else {"prefer": prefer})
        return await gateway.client.post("/api/v1/processing/progress", json={"documents": ["a", "b"]}, headers=headers)

    waiting.done = {"a"}
    told = await asked(None)
    assert told.json() == {"done": ["a"], "failed": {}, "waiting": ["b"]} and waiting.waited == []
    late = await asked("wait=0")
    assert late.json()["waiting"] == ["b"] and "preference-applied" not in late.headers
    asking = asyncio.create_task(asked("wait=5"))
    assert not (await asyncio.wait({asking}, timeout=0.1))[0], "it is waited for"
    waiting.done = {"a", "b"}
    waiting.processed.set()
    answer = await asyncio.wait_for(asking, 4)
    assert answer.json()["done"] == ["a", "b"] and answer.headers["preference-applied"] == "wait=5"
