"""A subject is erased by a job of the gateway, which is followed to its end."""

import json
from typing import Any

import httpx
import pytest

from client import jobs
from client.gateway import Gateway, GatewayError
from client.subjects import erase

RESULT = {"documents": ["a", "b"], "questions": 1, "entities": 2, "keys": 3, "in_the_clear": 0, "left": []}
JOB: dict[str, Any] = {"id": "5f", "state": "running", "done": 0, "total": 2, "result": None, "error": None}


async def followed(*states: dict[str, Any]) -> tuple[Any, list[int]]:
    """What it gives where the job is in these states, one after the other, and what it reported."""
    asked, left, reported = [], list(states), list[int]()

    def gateway(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        if request.method == "POST":
            assert json.loads(request.content)["documents"] == ["a", "b"] and request.headers["idempotency-key"]
        return httpx.Response(202 if request.method == "POST" else 200, json={**JOB, **left.pop(0)})

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway), base_url="http://gateway") as http:
        result = await erase(Gateway("http://gateway", http), ["Ada"], ["a", "b"], "asked for", reported.append)
    assert asked[1:] == [("GET", "/api/v1/subjects/jobs/5f")] * (len(states) - 1)
    return result, reported


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "LOOK_EVERY_S", 0.0)


async def test_it_is_told_how_far_it_is_and_what_went() -> None:
    done = {"state": "done", "done": 2, "result": RESULT}
    assert await followed({}, {"done": 1}, done) == (RESULT, [0, 1, 2])


@pytest.mark.parametrize(
    ("end", "said"),
    [({"state": "failed", "error": "the disk is full"}, "the disk is full"), ({"state": "cancelled"}, "broke it off")],
)
async def test_one_that_ended_otherwise_is_an_error(end: dict[str, Any], said: str) -> None:
    with pytest.raises(GatewayError, match=said):
        await followed({}, end)
