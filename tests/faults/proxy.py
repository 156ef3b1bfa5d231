"""A TCP proxy on loopback that cuts connections: in the middle of what is asked, or before the answer arrives."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BYTES = 4096
"""Forwarded at once, at most."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER by which a close is a reset."""


@dataclass
class Cut:
    """After so many bytes to the server every connection is cut. `answer`: what was asked still arrives in full, and
    nobody hears what came of it; else it is cut within."""

    after: int
    answer: bool


class CuttingProxy:
    """Forwards to a server's Unix socket, in a thread of its own."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self._cut: Cut | None = None
        self._open: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.port = int(self._listening.getsockname()[1])

    def start(self) -> None:
        """From now on."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._begin(self._accept()), self._loop).result(10)

    def stop(self) -> None:
        """Cut everything."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @contextlib.contextmanager
    def cutting(self, cut: Cut) -> Iterator[None]:
        """Once, while the block runs."""
        self._cut = cut
        try:
            yield
        finally:
            self._cut = None

    async def _begin(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._listening.close()

    async def _accept(self) -> None:
        while True:
            client, _ = await self._loop.sock_accept(self._listening)
            await self._begin(self._forward(client))

    async def _forward(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            for one in (client, server):
                one.setblocking(False)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            with contextlib.suppress(OSError):
                await self._loop.sock_connect(server, str(self._target))
                self._open |= {client, server}
                ways = [
                    asyncio.create_task(way) for way in (self._asked(client, server), self._answered(server, client))
                ]
                try:
                    # Whichever side ends first ends both.
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    self._open -= {client, server}
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)

    async def _asked(self, client: socket.socket, server: socket.socket) -> None:
        while data := await self._loop.sock_recv(client, BYTES):
            cut = self._cut
            if cut is None or len(data) < cut.after:
                if cut is not None:
                    cut.after -= len(data)
                await self._loop.sock_sendall(server, data)
                continue
            # With `answer` all of it, and the server's answer goes nowhere; else what lies before the cut.
            self._cut = None
            self.cuts += 1
            await self._loop.sock_sendall(server, data if cut.answer else data[: cut.after])
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            return

    async def _answered(self, server: socket.socket, client: socket.socket) -> None:
        while data := await self._loop.sock_recv(server, BYTES):
            await self._loop.sock_sendall(client, data)
