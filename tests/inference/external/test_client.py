"""The client of systems outside, against a server on loopback that fails on demand."""

import asyncio
import contextlib
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from inference.external.auth import BearerAuth
from inference.external.errors import (
    ApiError,
    CircuitOpenError,
    InvalidAnswerError,
    RateLimitedError,
    ServerError,
    UnreachableError,
)
from inference.model import InferenceError
from tests.inference.external.conftest import Connect
from tests.inference.external.hub_server import Hub

FILES = {"config.json": b"{}"}
INFO = "api/models/org/model/revision/main"
SECRET = "hf_secretsecretsecret"


def counted(metric: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"annals_external_{metric}", labels) or 0.0


async def test_an_answer_comes_after_failures_that_pass(hub: Hub, connect: Connect) -> None:
    commit = hub.publish("org/model", FILES)
    hub.faults.extend(["500", "hang up", "429 0"])
    client = connect()
    system = client.settings.system

    assert (await client.get_json(INFO))["sha"] == commit

    assert len(hub.requests) == 4
    assert counted("retries_total", system=system) == 3
    outcomes = {name: counted("requests_total", system=system, outcome=name) for name in ("ok", "failed", "limited")}
    assert outcomes == {"ok": 1, "failed": 1, "limited": 1}
    assert counted("requests_total", system=system, outcome="unreachable") == 1
    assert counted("request_seconds_count", system=system) == 4


async def test_tries_have_an_end(hub: Hub, connect: Connect) -> None:
    hub.faults.extend(["503"] * 10)
    with pytest.raises(ServerError, match=r"answered 503 \(not now\) - the fault is there, not here; try again later"):
        await connect(tries=3).get_json(INFO)
    assert len(hub.requests) == 3


async def test_a_refusal_is_not_tried_again_and_says_what_to_do(hub: Hub, connect: Connect) -> None:
    with pytest.raises(ApiError, match=r"404 .*check the name and the revision") as raised:
        await connect().get_json(INFO)
    assert raised.value.status == 404
    assert isinstance(raised.value, InferenceError)
    assert "\n" not in str(raised.value)
    assert len(hub.requests) == 1


async def test_no_answer_in_time_is_one_plain_line(hub: Hub, connect: Connect) -> None:
    hub.faults.extend(["slow"] * 2)
    with pytest.raises(
        UnreachableError, match=f"cannot be reached at {hub.url}: .* - check the network and the address"
    ):
        await connect(tries=2, read_s=0.05).get_json(INFO)


async def test_an_address_where_nobody_listens_is_one_plain_line(hub: Hub, connect: Connect) -> None:
    with pytest.raises(UnreachableError, match="check the network and the address"):
        await connect(base_url="http://127.0.0.1:1").get_json(INFO)
    assert hub.requests == []


async def test_a_longer_pause_than_we_wait_is_not_waited_for(hub: Hub, connect: Connect) -> None:
    hub.faults.append("429 3600")
    with pytest.raises(RateLimitedError, match="takes no more requests now - try again in 3600 s"):
        await connect().get_json(INFO)
    assert len(hub.requests) == 1


async def test_the_rate_is_kept(hub: Hub, connect: Connect) -> None:
    hub.publish("org/model", FILES)
    client = connect(rate=4.0, rate_period_s=0.4)
    start = time.monotonic()
    await asyncio.gather(*(client.get_json(INFO, n=str(number)) for number in range(12)))
    # Four leave at once; the bucket lets the other eight go at ten a second.
    assert time.monotonic() - start >= 0.75
    assert len(hub.requests) == 12


async def test_a_request_that_our_own_rate_keeps_too_long_is_given_up(hub: Hub, connect: Connect) -> None:
    hub.publish("org/model", FILES)
    client = connect(rate=1.0, rate_period_s=60.0, rate_wait_s=0.05)
    await client.get_json(INFO)
    with pytest.raises(RateLimitedError, match="try again later"):
        await client.get_json(INFO)
    assert len(hub.requests) == 1
    assert counted("requests_total", system=client.settings.system, outcome="held_back") == 1


async def test_the_breaker_opens_and_recovers(hub: Hub, connect: Connect) -> None:
    commit = hub.publish("org/model", FILES)
    client = connect(tries=1, breaker_failures=2, breaker_open_s=0.3)
    system = client.settings.system
    hub.faults.extend(["500", "500"])
    for _ in range(2):
        with pytest.raises(ServerError):
            await client.get_json(INFO)
    assert counted("breaker_state", system=system) == 2

    with pytest.raises(CircuitOpenError, match="failed too often and is left alone - try again in"):
        await client.get_json(INFO)
    assert len(hub.requests) == 2
    assert counted("requests_total", system=system, outcome="circuit_open") == 1

    answer: Any = None
    async with asyncio.timeout(10):
        while answer is None:
            await asyncio.sleep(0.01)
            with contextlib.suppress(CircuitOpenError):
                answer = await client.get_json(INFO)
    assert answer["sha"] == commit
    assert counted("breaker_state", system=system) == 0


async def test_refusals_do_not_open_the_breaker(hub: Hub, connect: Connect) -> None:
    client = connect(breaker_failures=2)
    for _ in range(4):
        with pytest.raises(ApiError, match="404"):
            await client.get_json(INFO)
    assert len(hub.requests) == 4


async def test_an_answer_that_is_fresh_is_not_asked_for_again(hub: Hub, connect: Connect) -> None:
    hub.cache_control = "private, max-age=600"
    hub.publish("org/model", FILES)
    first, second = connect(), connect()
    assert await first.get_json(INFO) == await second.get_json(INFO)
    assert len(hub.requests) == 1
    assert counted("cache_hits_total", system=first.settings.system, kind="fresh") == 1


async def test_a_stale_answer_is_checked_by_its_etag(hub: Hub, connect: Connect) -> None:
    hub.publish("org/model", FILES)
    client = connect()
    first = await client.get_json(INFO)
    assert await client.get_json(INFO) == first
    assert "if-none-match" not in hub.requests[0].headers
    assert hub.requests[1].headers["if-none-match"].startswith('W/"')
    assert counted("cache_hits_total", system=client.settings.system, kind="revalidated") == 1

    changed = hub.publish("org/model", {"config.json": b"{ }"})
    assert (await client.get_json(INFO))["sha"] == changed != first["sha"]


async def test_the_token_is_sent_and_nowhere_seen(
    hub: Hub, connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hub.cache_control = "private, max-age=600"
    hub.publish("org/model", FILES)
    hub.token = SECRET
    client = connect(SECRET)
    await client.get_json(INFO)
    assert hub.requests[0].headers["authorization"] == f"Bearer {SECRET}"

    # The server repeats what it was sent.
    hub.token = "another"
    with pytest.raises(ApiError, match=r"401 \(Invalid credentials Bearer \*\*\*.*set HF_TOKEN to a token") as raised:
        await client.get_json(INFO, other="yes")
    shown = f"{raised.value} {raised.value.__dict__} {BearerAuth(SECRET, hub.url, 'HF_TOKEN')!r} {caplog.text}"
    assert SECRET not in shown
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert kept
    assert not any(SECRET.encode() in path.read_bytes() for path in kept)


async def test_another_origin_gets_no_token(hub: Hub, connect: Connect) -> None:
    with pytest.raises(ApiError, match="404"):
        await connect(SECRET).get_json(f"{hub.store_url}/{INFO}")
    assert "authorization" not in hub.requests[0].headers


async def test_what_one_token_may_read_another_does_not_get_from_the_cache(hub: Hub, connect: Connect) -> None:
    hub.cache_control = "private, max-age=600"
    hub.publish("org/model", FILES)
    hub.token = SECRET
    await connect(SECRET).get_json(INFO)
    for token in (None, "hf_other"):
        with pytest.raises(ApiError, match="401"):
            await connect(token).get_json(INFO)


@pytest.mark.parametrize("token", [f"{SECRET}\n", f"{SECRET} {SECRET}", "", "h\u00e9"])
async def test_a_token_that_cannot_be_one_is_refused_without_showing_it(connect: Connect, token: str) -> None:
    with pytest.raises(InferenceError, match="HF_TOKEN is no token") as raised:
        connect(token)
    assert SECRET not in str(raised.value)


async def test_an_answer_that_is_not_json_is_not_believed(hub: Hub, connect: Connect) -> None:
    hub.models["org/model"] = {"0" * 40: {"config.json": b"<html>"}}
    with pytest.raises(InvalidAnswerError, match=f"did not answer with JSON - check that {hub.url} is its address"):
        await connect().get_json(f"org/model/resolve/{'0' * 40}/config.json")


async def test_nothing_is_sent_when_nothing_may_be(hub: Hub, connect: Connect) -> None:
    with pytest.raises(UnreachableError, match="the line is cut"):
        await connect(offline_because="the line is cut").get_json(INFO)
    assert hub.requests == []
