"""The embedded broker is asked again after a pause that grows while it has nothing."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.fetch import FetchRequest

from streams import transport
from streams.transport import LEAST_PAUSE_S, MOST_PAUSE_S, Polling

FETCH = FetchRequest(0, 1, 1024, 0, [("annals.test", [(0, 7, 1024)])])


class Client:
    """Answers each fetch with the next of some records."""

    def __init__(self, *records: bytes) -> None:
        self._records = list(records)

    async def send(self, node_id: int, request: Any, **_: Any) -> Any:
        """As a broker says it: topics, their partitions, and last in each its records."""
        return SimpleNamespace(topics=[("annals.test", [(0, 0, 0, b""), (1, 0, 0, self._records.pop(0))])])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(transport, "asyncio", SimpleNamespace(sleep=sleep))
    return slept


async def test_pauses_grow_while_there_is_nothing_and_end_with_something(pauses: list[float]) -> None:
    send = Polling(Client(*[b""] * 6, b"records", b"").send)
    for _ in range(6):
        await send(1, FETCH)
    assert pauses == [LEAST_PAUSE_S, 2 * LEAST_PAUSE_S, 4 * LEAST_PAUSE_S, *[MOST_PAUSE_S] * 3]
    assert (await send(1, FETCH)).topics[0][1][1][-1] == b"records"
    assert len(pauses) == 6
    await send(1, FETCH)
    assert pauses[6:] == [LEAST_PAUSE_S]


async def test_nothing_else_is_held_up(pauses: list[float]) -> None:
    send = Polling(Client(b"").send)
    async with asyncio.timeout(5):
        await send(1, OffsetCommitRequest("g", 1, "m", -1, []), group=0)
    assert pauses == []
