"""Heads without end, and slow ones, are cut off; others are not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from gateway import connections
from gateway.connections import BoundedHttp

pytestmark = pytest.mark.pipeline
"""A server of its own listens."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Reads all, and answers with nothing."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(app, host="127.0.0.1", port=0, http=BoundedHttp, lifespan="off", ws="none", log_config=None)
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def exchanged(port: int, *parts: bytes) -> bytes:
    """What comes back until the connection ends."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read()
        return b"reset"


async def test_a_head_that_is_whole_is_answered(port: int) -> None:
    answer = await exchanged(port, b"GET / HTTP/1.1\r\nhost: x\r\n", b"connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204")


async def test_a_large_body_is_no_large_head(port: int) -> None:
    body = b"x" * (4 * connections.HEAD_BYTES)
    head = f"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    assert (await exchanged(port, head + body)).startswith(b"HTTP/1.1 204")


async def test_a_head_without_end_is_cut_off(port: int) -> None:
    for endless in (b"x: " + b"y" * 1000 + b"\r\n", b"z" * 1000):
        answer = await exchanged(port, b"GET / HTTP/1.1\r\nhost: x\r\n", *[endless] * 500)
        assert answer.startswith(b"HTTP/1.1 431") or answer == b"reset"


async def test_a_slow_head_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_LIMIT_S", 0.1)
    assert await exchanged(port) == b"", "nothing was sent"
    assert await exchanged(port, b"GET / HTTP/1.1\r\nhost:") == b""
