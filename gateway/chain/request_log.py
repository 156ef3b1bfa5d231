"""Steps 1 and 8: a line for each request and one for its answer, without query strings, bodies or credentials."""

import logging
import time

from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.exchange import Exchange, exchange_of
from security.audit import without_secrets

log = logging.getLogger(__name__)


class RequestLogger:
    """The request at DEBUG, the answer at INFO; health checks at DEBUG."""

    def __init__(self, following: ASGIApp) -> None:
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        exchange = exchange_of(scope)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s: %s %r from %s", exchange.request_id, exchange.method, _path(exchange), exchange.client)
        try:
            await self._following(scope, receive, send)
        finally:
            level = logging.DEBUG if exchange.path.startswith("/health/") else logging.INFO
            if log.isEnabledFor(level):
                log.log(
                    level,
                    "%s: %d %s %r by %s in %.1f ms%s",
                    exchange.request_id,
                    exchange.status,
                    exchange.method,
                    _path(exchange),
                    exchange.principal.id if exchange.principal is not None else "nobody",
                    1000 * (time.perf_counter() - exchange.began),
                    f", {exchange.problem}" if exchange.problem is not None else "",
                )


def _path(exchange: Exchange) -> str:
    """Somebody may have put a credential where an id belongs."""
    return without_secrets(exchange.path)[:200]
