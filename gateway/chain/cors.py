"""Cross-origin requests of browsers (Fetch standard, 3.2): off unless origins are named."""

from collections.abc import Collection

from gateway.chain import ASGIApp, Message, Receive, Scope, Send
from gateway.exchange import exchange_of, header

METHODS = b"GET, POST, PUT, PATCH, DELETE"
HEADERS = (
    b"authorization, content-type, if-match, if-none-match, idempotency-key, prefer, annals-position, last-event-id, "
    b"traceparent, x-request-id"
)
EXPOSED = (
    b"etag, location, retry-after, ratelimit, ratelimit-policy, preference-applied, annals-position, x-request-id, "
    b"idempotency-replayed"
)
KEPT_S = b"600"


class CrossOrigin:
    """Credentials are tokens that a page brings itself, never cookies: none are allowed."""

    def __init__(self, following: ASGIApp, origins: Collection[str]) -> None:
        self._following = following
        self._origins = frozenset(origin.encode("ascii") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. A preflight is answered here, and asks for nothing."""
        origin = header(scope, b"origin")
        if origin is None or origin not in self._origins:
            await self._following(scope, receive, send)
            return
        exchange = exchange_of(scope)
        allowed = [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
        if exchange.method == "OPTIONS" and header(scope, b"access-control-request-method") is not None:
            exchange.status = 204
            preflight = [
                *allowed,
                (b"access-control-allow-methods", METHODS),
                (b"access-control-allow-headers", HEADERS),
                (b"access-control-max-age", KEPT_S),
                (b"x-request-id", exchange.request_id.encode("ascii")),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": preflight})
            await send({"type": "http.response.body", "body": b""})
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = (b"access-control-expose-headers", EXPOSED)
                message["headers"] = [*message.get("headers", ()), *allowed, exposed]
            await send(message)

        await self._following(scope, receive, marked)
