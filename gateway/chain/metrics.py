"""Step 9: metrics of every answer, with the endpoint's path as it is in the table, never as it was asked for."""

import time

from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.exchange import exchange_of
from telemetry.metrics import HTTP_BYTES, HTTP_IN_FLIGHT, HTTP_REQUESTS, HTTP_SECONDS

UNKNOWN = "unknown"


class ApiMonitor:
    """Counts what was answered, and how long it took."""

    def __init__(self, following: ASGIApp) -> None:
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        exchange = exchange_of(scope)
        HTTP_IN_FLIGHT.inc()
        try:
            await self._following(scope, receive, send)
        finally:
            HTTP_IN_FLIGHT.dec()
            endpoint = exchange.endpoint
            path, method = (endpoint.path, endpoint.method) if endpoint is not None else (UNKNOWN, UNKNOWN)
            HTTP_REQUESTS.labels(method, path, str(exchange.status)).inc()
            HTTP_SECONDS.labels(method, path).observe(time.perf_counter() - exchange.began)
            HTTP_BYTES.labels(method, path).inc(exchange.sent_bytes)
