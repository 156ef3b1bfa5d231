"""A preview is made by a job of the gateway, which is followed to its end, and broken off with who waits for it."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from client import jobs
from client.gateway import Gateway, GatewayError
from client.previews import preview

RESULT = {"task": "embedder", "revision": "b@1", "asked": 1, "differences": []}
KIND = "preview embedder"
JOB: dict[str, Any] = {"id": "5f", "kind": KIND, "state": "running", "done": 0, "total": 9, "result": None}


class Served:
    """A gateway whose job is in these states, one after the other, and then stays so."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.asked: list[tuple[str, str]] = []
        self.wanted: dict[str, Any] = {}
        self.reported: list[int | None] = []
        self.looked_at = asyncio.Event()
        self._left = list(states)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """As the gateway does."""
        self.asked.append((request.method, request.url.path))
        if request.method == "POST":
            self.wanted = json.loads(request.content)
            assert request.headers["idempotency-key"]
        else:
            self.looked_at.set()
        state = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return httpx.Response(202 if request.method == "POST" else 200, json={"error": None, **JOB, **state})

    @contextlib.contextmanager
    def progress(self, total: int | None) -> Iterator[Callable[[int], None]]:
        """Keeps what it is told."""
        self.reported.append(total)
        yield self.reported.append

    async def preview(self, **how: Any) -> dict[str, Any]:
        """What is given."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://gateway") as http:
            gateway = Gateway("http://gateway", http)
            return await preview(gateway, "embedder", "people/embedder", ["Who?"], self.progress, **how)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_EVERY_S", 0.0)


async def test_it_is_told_how_far_it_is_and_what_differs() -> None:
    served = Served({}, {"done": 4}, {"state": "done", "done": 9, "result": RESULT})
    assert await served.preview(keep="coming") == RESULT
    assert served.wanted == {"name": "people/embedder", "questions": ["Who?"], "keep": "coming"}
    assert served.reported == [9, 0, 4, 9]
    assert served.asked == [("POST", "/api/v1/models/embedder/preview"), *[("GET", "/api/v1/models/previews/5f")] * 2]


@pytest.mark.parametrize(
    ("end", "said"),
    [({"state": "failed", "error": "the disk is full"}, "the disk is full"), ({"state": "cancelled"}, "broke it off")],
)
async def test_one_that_ended_otherwise_is_an_error(end: dict[str, Any], said: str) -> None:
    with pytest.raises(GatewayError, match=said):
        await Served({}, end).preview()


async def test_it_is_broken_off_with_who_waits_for_it() -> None:
    served = Served({})
    waiting = asyncio.create_task(served.preview())
    async with asyncio.timeout(10):
        await served.looked_at.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert served.asked[-1] == ("DELETE", "/api/v1/models/previews/5f")
