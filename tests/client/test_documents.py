"""Whoever follows documents has the gateway wait for them, and asks no more often than it must."""

import asyncio
import json

import httpx
import pytest

from client import documents
from client.gateway import Gateway


class Progress(httpx.AsyncBaseTransport):
    """Says how far documents are: all are done once it was asked to wait so often. It answers at once."""

    def __init__(self, done_after: int) -> None:
        self.asked: list[tuple[int, str | None]] = []
        self._left = done_after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        ids = json.loads(await request.aread())["documents"]
        prefer = request.headers.get("prefer")
        self.asked.append((len(ids), prefer))
        self._left -= prefer is not None
        done = ids if self._left < 0 else []
        return httpx.Response(200, json={"done": done, "failed": {}, "waiting": [] if done else ids})


async def followed(progress: Progress, ids: list[str]) -> int:
    async with httpx.AsyncClient(transport=progress, base_url="http://gateway") as http:
        return (await documents.follow(Gateway("http://gateway", http), ids, lambda _: None)).processed


async def test_the_gateway_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PAUSE_S", 0.0)
    progress = Progress(2)
    assert await followed(progress, ["a", "b"]) == 2
    assert progress.asked == [(2, "wait=2")] * 3


async def test_of_many_it_waits_for_the_last_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PAUSE_S", 0.0)
    monkeypatch.setattr(documents, "BATCH", 2)
    progress = Progress(1)
    assert await followed(progress, list("abcde")) == 5
    assert progress.asked == [
        (2, None),
        (2, None),
        (1, "wait=2"),
        (2, None),
        (2, None),
        (1, "wait=2"),
        (2, None),
        (2, "wait=2"),
    ]


async def test_one_that_does_not_wait_is_not_asked_all_the_time() -> None:
    progress = Progress(2)
    began = asyncio.get_running_loop().time()
    await followed(progress, ["a"])
    assert asyncio.get_running_loop().time() - began >= 2 * documents.PAUSE_S
