"""Requests to OpenSearch behind the guard: what is sent again, when nothing is sent, and how many are counted.

The server is a socket that answers as it is told: a real one cannot be made to fail so many times and no more.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest
from opensearchpy import AsyncOpenSearch
from prometheus_client import REGISTRY

from eventstore.errors import StoreUnavailableError
from projections.connection_limiter import ConnectionLimiter
from projections.vector.opensearch.client import faults
from projections.vector.opensearch.connection import GUARD, GuardedConnection, guard

BODY = b"{}"


@dataclass
class Answers:
    """The statuses that are still to be answered, and what was asked; then all is well."""

    statuses: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    async def answer(self, requests: asyncio.StreamReader, replies: asyncio.StreamWriter) -> None:
        """One request of a connection."""
        head = (await requests.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(" ".join(head.split()[:2]))
        status = self.statuses.pop(0) if self.statuses else 200
        replies.write(
            f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + BODY
        )
        replies.close()
        await replies.wait_closed()


@pytest.fixture
async def answers() -> AsyncIterator[Answers]:
    """Somebody who answers."""
    told = Answers()
    async with await asyncio.start_server(told.answer, "127.0.0.1", 0) as server:
        told.port = server.sockets[0].getsockname()[1]
        yield told


@contextlib.asynccontextmanager
async def connected(port: int, system: str, **changes: float) -> AsyncIterator[AsyncOpenSearch]:
    """A client behind a guard that forgets soon."""
    settings = replace(GUARD, system=system, first_wait_s=0.001, most_wait_s=0.002, **changes)  # type: ignore[arg-type]
    async with AsyncOpenSearch(
        f"http://127.0.0.1:{port}",
        timeout=2,
        max_retries=0,
        connection_class=GuardedConnection,
        limiter=ConnectionLimiter("OpenSearch", 4),
        guard=guard(settings),
    ) as client:
        yield client


def counted(name: str, **labels: str) -> float:
    """What a metric says."""
    return REGISTRY.get_sample_value(f"annals_external_{name}", labels) or 0.0


async def test_a_search_is_sent_again_where_the_server_had_no_time(
    answers: Answers, request: pytest.FixtureRequest
) -> None:
    system = request.node.name
    answers.statuses = [503, 429]
    async with connected(answers.port, system) as client:
        await client.search(body={}, index="passages")
    assert answers.asked == ["POST /passages/_search"] * 3
    assert counted("requests_total", system=system, outcome="failed") == 1
    assert counted("requests_total", system=system, outcome="limited") == 1
    assert counted("requests_total", system=system, outcome="ok") == 1
    assert counted("retries_total", system=system) == 2


async def test_what_writes_is_sent_once(answers: Answers, request: pytest.FixtureRequest) -> None:
    answers.statuses = [503]
    async with connected(answers.port, request.node.name) as client:
        with pytest.raises(StoreUnavailableError), faults():
            await client.bulk(body=b"{}\n", index="passages")
    assert answers.asked == ["POST /passages/_bulk"]


async def test_a_refusal_is_no_failure(answers: Answers, request: pytest.FixtureRequest) -> None:
    """Whatever is asked wrongly, others are answered."""
    answers.statuses = [400] * 12
    async with connected(answers.port, request.node.name) as client:
        for _ in range(12):
            with pytest.raises(Exception, match="400"), faults():
                await client.search(body={}, index="passages")
        await client.search(body={}, index="passages")
    assert len(answers.asked) == 13


async def test_a_server_that_fails_is_left_alone_and_then_asked_again(
    answers: Answers, request: pytest.FixtureRequest
) -> None:
    answers.statuses = [503] * 9
    async with connected(answers.port, request.node.name, breaker_failures=9, breaker_open_s=0.3) as client:
        for _ in range(3):
            with pytest.raises(StoreUnavailableError, match="try again"), faults():
                await client.search(body={}, index="passages")
        with pytest.raises(StoreUnavailableError, match="left alone"), faults():
            await client.search(body={}, index="passages")
        assert len(answers.asked) == 9
        # Who asks for a sign of life is told what is so now.
        await client.info()
        assert answers.asked[9:] == ["GET /"]
        async with asyncio.timeout(5):
            while True:
                with contextlib.suppress(StoreUnavailableError), faults():
                    await client.search(body={}, index="passages")
                    break
                await asyncio.sleep(0.05)
    assert counted("breaker_state", system=request.node.name) == 0


async def test_more_than_our_own_limit_is_not_sent(answers: Answers, request: pytest.FixtureRequest) -> None:
    async with connected(answers.port, request.node.name, rate=1.0, rate_period_s=60.0, rate_wait_s=0.01) as client:
        await client.search(body={}, index="passages")
        with pytest.raises(StoreUnavailableError), faults():
            await client.search(body={}, index="passages")
    assert len(answers.asked) == 1
