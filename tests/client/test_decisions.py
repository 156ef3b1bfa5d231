"""A decision is waited for as long by a gateway as without one."""

from collections.abc import Iterator

import httpx
import pytest

from client import decisions
from client.gateway import Gateway, GatewayUnavailableError

WANTED = decisions.Request("POST", "/entities/a/judgement", {"valid": True})
BEHIND = {"status": 503, "detail": "The read models are not as far"}


async def decided(answers: Iterator[int]) -> int:
    """How often the gateway is asked whether its read models have a decision, with these answers."""
    asked = 0

    def gateway(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        if request.method == "POST":
            return httpx.Response(200, json={"position": 7})
        assert request.headers["annals-position"] == "7"
        asked += 1
        code = next(answers)
        return httpx.Response(code, json=BEHIND if code == 503 else {})

    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway), base_url="http://gateway") as http:
        done = await decisions.decide(Gateway("http://gateway", http, patient=False), WANTED, wait=True)
    assert done == {"position": 7}
    return asked


async def test_read_models_that_are_behind_are_waited_for() -> None:
    assert await decided(iter([503, 503, 503, 200])) == 4


async def test_not_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decisions, "FOLLOW_LIMIT_S", -1.0)
    with pytest.raises(GatewayUnavailableError, match="not as far"):
        await decided(iter([503]))
