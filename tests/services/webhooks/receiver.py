"""A real HTTP server that is sent events: it remembers all it gets, and answers as it is told to."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook as Verifier

Answer = Callable[["Message"], bytes | None]
"""What is sent back; None: nothing, ever."""


@dataclass(frozen=True)
class Message:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """Its body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def verified(self, secret: str) -> dict[str, Any]:
        """Its body, once the library of receivers has checked it. Raises WebhookVerificationError."""
        found: dict[str, Any] = Verifier(secret).verify(self.body, dict(self.headers))
        return found


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    """An answer."""
    lines = [f"HTTP/1.1 {code} told", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


OK = status(204)


@dataclass
class Receiver:
    """`answer` may be set anew at any time."""

    port: int
    answer: Answer = lambda _: OK
    messages: list[Message] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Where it is, without TLS."""
        return f"http://127.0.0.1:{self.port}/hook?of=annals"

    @property
    def ids(self) -> list[str]:
        """Of the events that came, as they came."""
        return [message.headers["webhook-id"] for message in self.messages]


@contextlib.asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """One, for as long as the block lasts."""
    receiver = Receiver(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            message = Message(head[0].split(" ")[1], headers, body)
            answer = receiver.answer(message)
            receiver.messages.append(message)
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


async def until(true: Callable[[], bool], limit_s: float = 20.0) -> None:
    """Wait for it. Raises AssertionError."""
    for _ in range(int(limit_s / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")
