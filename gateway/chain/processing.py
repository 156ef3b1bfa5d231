"""Step 5: the request's body, bounded in bytes and in time, and the time that its handler has."""

import asyncio

from gateway.chain import ASGIApp, Message, Receive, Scope, Send
from gateway.endpoint import ApiEndpointConfig
from gateway.errors import BodyEncodingError, BodyTooLargeError, MalformedRequestError, MediaTypeError, SlowRequestError
from gateway.exchange import exchange_of, header
from gateway.held_bodies import HeldBodies, HeldBody
from services.deadline import Deadline
from services.positions import ShownPositions
from services.storage.consistency import ReadYourWrites

POSITION = b"annals-position"
"""Header: the answer is to be at least as new as this position."""
POSITION_LIMIT_S = 10.0
BODY_LIMIT_S = 30.0
"""Within which a body has arrived."""
NO_LIMIT_S = 3600.0 * 24 * 365
"""The deadline of what streams without an end."""


class RequestProcessor:
    """Reads the body, counting while it arrives; the following steps get it whole, as often as they ask."""

    def __init__(self, following: ASGIApp, consistency: ReadYourWrites, positions: ShownPositions) -> None:
        self._following = following
        self._consistency = consistency
        self._positions = positions
        self._held = HeldBodies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request.

        Raises BodyTooLargeError, BodiesHeldError, SlowRequestError, BodyEncodingError, MediaTypeError,
        WrongPositionError, BehindError.
        """
        exchange = exchange_of(scope)
        with self._held.of(exchange.principal.tenant if exchange.principal is not None else "") as held:
            exchange.held = held
            await self._process(scope, receive, send, held)

    async def _process(self, scope: Scope, receive: Receive, send: Send, held: HeldBody) -> None:
        exchange = exchange_of(scope)
        endpoint = exchange.endpoint
        assert endpoint is not None, "authentication lets nothing else through"
        body: Body = (
            StreamedBody(receive, endpoint.body_bytes)
            if endpoint.body_type == "application/x-ndjson" and _announced(scope, endpoint)
            else Body(await read_body(scope, receive, endpoint, held), receive)
        )
        exchange.given_deadline = Deadline.after(endpoint.timeout_s or NO_LIMIT_S)
        position = header(scope, POSITION)
        if position is not None and exchange.given_caller is not None:
            known = self._positions.read(exchange.given_caller, position.decode("latin-1"))
            limit_s = min(POSITION_LIMIT_S, 0.5 * exchange.deadline.limit_s)
            await self._consistency.until(known, deadline=Deadline.after(limit_s))
        await self._following(scope, body, send)


class Body:
    """What the body's bytes are received by: once whole, then whatever the connection has to say."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self.body = body
        self._receive = receive
        self._given = False

    def rewind(self) -> None:
        """It is received again from its beginning."""
        self._given = False

    async def __call__(self) -> Message:
        """The next message."""
        if self._given:
            return await self._receive()
        self._given = True
        return {"type": "http.request", "body": self.body, "more_body": False}


class StreamedBody(Body):
    """Handed over as it arrives, counted, and waited for only as long as something comes."""

    def __init__(self, receive: Receive, limit: int) -> None:
        super().__init__(b"", receive)
        self._left = self._limit = limit

    async def __call__(self) -> Message:
        """The next message. Raises BodyTooLargeError, SlowRequestError."""
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                message = await self._receive()
        except TimeoutError:
            raise SlowRequestError() from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._limit)
        return message


async def read_body(scope: Scope, receive: Receive, endpoint: ApiEndpointConfig, held: HeldBody) -> bytes:
    """All of it. A body that says it is too large is not read at all."""
    _announced(scope, endpoint)
    limit = endpoint.body_bytes
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise MalformedRequestError("the connection ended before the body did; send it again")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise _too_large(limit)
                held.are(size)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise SlowRequestError() from None


def _too_large(limit: int) -> BodyTooLargeError:
    if not limit:
        return BodyTooLargeError("this endpoint takes no body; send none")
    return BodyTooLargeError(f"the body is larger than {limit:,} bytes; send less")


def _announced(scope: Scope, endpoint: ApiEndpointConfig) -> bool:
    """Check what the head says of the body; True. Raises as `RequestProcessor` says."""
    limit = endpoint.body_bytes
    length = header(scope, b"content-length")
    if length is not None:
        if not length.isdigit():
            raise MalformedRequestError("Content-Length is no number; send one, or none")
        if int(length) > limit:
            raise _too_large(limit)
    if header(scope, b"content-encoding") not in (None, b"identity"):
        raise BodyEncodingError()
    if limit and (length not in (None, b"0") or header(scope, b"transfer-encoding") is not None):
        kind = (header(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
        if kind != endpoint.body_type.encode():
            raise MediaTypeError(f"the body is not {endpoint.body_type}; send it as that")
    return True
