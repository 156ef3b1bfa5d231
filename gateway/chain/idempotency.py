"""Between steps 5 and 6: a request with an `Idempotency-Key` is done once (draft-ietf-httpapi-idempotency-key-header).

What was done is kept with its answer, and answered again; what failed is forgotten, and done by whoever asks again.
"""

import re
import uuid
from typing import Protocol

from eventstore.idempotency import KeptAnswer, KeyScope
from gateway.chain import ASGIApp, Message, Receive, Scope, Send
from gateway.chain.processing import Body
from gateway.errors import (
    IdempotencyKeyError,
    IdempotencyKeyMissingError,
    IdempotencyKeyReusedError,
    RequestRunningError,
)
from gateway.exchange import exchange_of, header

LARGEST = 1024 * 1024
"""Bytes of an answer that is kept."""
SLACK_S = 30.0
"""Beyond the handler's time, after which a try that has not ended is taken for dead."""
KEPT_HEADERS = frozenset({b"content-type", b"etag", b"location", b"annals-position", b"preference-applied"})
REPLAYED = (b"idempotency-replayed", b"true")

_KEY = re.compile(rb'"?([\x21\x23-\x7e]{1,255})"?')
_DELIVERIES = uuid.UUID("c1d6a4f2-58a5-5b43-9f0e-0d9a7a4f8b55")


class Keys(Protocol):
    """Where keys are kept; every method that waits raises StoreUnavailableError."""

    def fingerprint(self, asked: bytes) -> bytes:
        """What tells requests apart."""
        ...

    async def begin(self, scope: KeyScope, fingerprint: bytes, holder: uuid.UUID, limit_s: float) -> KeptAnswer | None:
        """None where `holder` is to do it now."""
        ...

    async def finish(
        self, scope: KeyScope, holder: uuid.UUID, status: int, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        """Keep the answer."""
        ...

    async def forget(self, scope: KeyScope, holder: uuid.UUID) -> None:
        """It was not done."""
        ...


class Idempotency:
    """For the endpoints that take a key."""

    def __init__(self, following: ASGIApp, keys: Keys) -> None:
        self._following = following
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request.

        Raises IdempotencyKeyMissingError, IdempotencyKeyReusedError, RequestRunningError, StoreUnavailableError.
        """
        exchange = exchange_of(scope)
        endpoint = exchange.endpoint
        assert endpoint is not None, "authentication lets nothing else through"
        given = header(scope, b"idempotency-key") if endpoint.idempotency_key != "no" else None
        if given is None:
            if endpoint.idempotency_key == "required":
                raise IdempotencyKeyMissingError()
            await self._following(scope, receive, send)
            return
        key = _KEY.fullmatch(given)
        if key is None:
            raise IdempotencyKeyError()
        assert isinstance(receive, Body), "the body was read"
        held = KeyScope(exchange.caller.tenant, exchange.caller.actor, key[1].decode("ascii"))
        fingerprint = self._keys.fingerprint(b"\x00".join((_asked(scope), receive.body)))
        holder = exchange.delivery_id
        # Whoever takes over from one that died in the midst of it delivers the same once more.
        exchange.delivery_id = uuid.uuid5(_DELIVERIES, f"{held.tenant} {held.actor} {held.key} {fingerprint.hex()}")
        kept = await self._keys.begin(held, fingerprint, holder, (endpoint.timeout_s or 0.0) + SLACK_S)
        if kept is None:
            await self._do(held, holder, scope, receive, send)
        elif kept.fingerprint != fingerprint:
            raise IdempotencyKeyReusedError()
        elif kept.status is None:
            raise RequestRunningError()
        else:
            await _again(kept, send)

    async def _do(self, held: KeyScope, holder: uuid.UUID, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send)
        try:
            await self._following(scope, receive, answer)
        except BaseException:
            await self._keys.forget(held, holder)
            raise
        if 200 <= answer.status < 300 and answer.body is not None:
            await self._keys.finish(held, holder, answer.status, answer.headers, bytes(answer.body))
        else:
            await self._keys.forget(held, holder)
        await answer.send_held()


class _Answer:
    """Holds the answer back until it is kept: who has it may rely on getting it again."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []
        self.status = 0
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body: bytearray | None = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple(
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in message.get("headers", ())
                if name in KEPT_HEADERS
            )
        elif self.body is not None:
            self.body += message.get("body", b"")
            if len(self.body) > LARGEST:
                self.body = None
        self._messages.append(message)
        if self.body is None:
            await self.send_held()

    async def send_held(self) -> None:
        """All that was held back, in its order."""
        held, self._messages = self._messages, []
        for message in held:
            await self._send(message)


def _asked(scope: Scope) -> bytes:
    return b"\x00".join((scope["method"].encode(), scope.get("raw_path") or b"", scope.get("query_string", b"")))


async def _again(kept: KeptAnswer, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers]
    headers += [(b"content-length", str(len(kept.body)).encode()), REPLAYED]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body})
