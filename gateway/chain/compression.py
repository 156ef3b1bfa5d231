"""gzip (RFC 1952) for answers that are whole and large enough, where the client takes it."""

import asyncio
import gzip
import re
from typing import Any

from gateway.chain import Message, Scope, Send
from gateway.exchange import header

SMALLEST = 1024
INLINE = 64 * 1024
"""Bytes that are compressed within the event loop; more go to a thread."""
LEVEL = 5

_GZIP = re.compile(rb"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?(?:$|,)", re.IGNORECASE)


def is_taken(scope: Scope) -> bool:
    """Whether Accept-Encoding names gzip with a weight that is not 0 (RFC 9110, 12.5.3)."""
    accepted = header(scope, b"accept-encoding")
    found = _GZIP.search(accepted) if accepted is not None else None
    return found is not None and (found[1] is None or found[1].strip(b"0.") != b"")


class Compressing:
    """Holds back an answer's head until its body is seen: a stream passes as it is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        """The next message of the answer."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        if self._head is not None:
            head, self._head = self._head, None
            if not message.get("more_body", False) and _fits(head, message):
                message["body"] = await _compressed(message["body"])
                head["headers"] = [*_without_length(head), (b"content-length", str(len(message["body"])).encode())]
                head["headers"].append((b"content-encoding", b"gzip"))
            head["headers"] = [*head.get("headers", ()), (b"vary", b"accept-encoding")]
            await self._send(head)
        await self._send(message)


def _fits(head: Message, message: Message) -> bool:
    named = dict(head.get("headers", ()))
    kind = named.get(b"content-type", b"")
    return (
        len(message.get("body", b"")) >= SMALLEST
        and b"content-encoding" not in named
        and (b"json" in kind or kind.startswith(b"text/"))
    )


def _without_length(head: Message) -> list[tuple[bytes, bytes]]:
    pairs: Any = head.get("headers", ())
    return [(name, value) for name, value in pairs if name != b"content-length"]


async def _compressed(body: bytes) -> bytes:
    if len(body) <= INLINE:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
