"""Step 7: the answer's form: errors as problem+json, the headers that every answer has, gzip where it is taken."""

import logging
import math
from collections import defaultdict
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from contracts.errors import AnnalsError
from gateway.chain import ASGIApp, Message, Receive, Scope, Send
from gateway.chain.compression import Compressing, is_taken
from gateway.chain.repeated import Repeated
from gateway.errors import (
    BodiesHeldError,
    InternalError,
    InvalidFieldsError,
    MalformedRequestError,
    RequestRunningError,
)
from gateway.exchange import Exchange, exchange_of
from gateway.problems import MEDIA_TYPE, RETRY_AFTER_S, name_of, problem_of, status_of
from security.errors import BlockedError, TooManyAttemptsError
from services.errors import LimitError

log = logging.getLogger(__name__)

MAX_FAULTS, MAX_FAULT = 50, 500
"""How many faults of a request are told, and with how many characters: an answer is no larger for a larger request."""
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


class ResponseFormatter:
    """Whatever is raised becomes an answer; what is no error of ours becomes a 500 that says nothing of its cause."""

    def __init__(self, following: ASGIApp) -> None:
        self._following = following
        self._unavailable: defaultdict[type[AnnalsError], Repeated] = defaultdict(Repeated)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        exchange = exchange_of(scope)

        async def formatted(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *common(exchange, message.get("headers", ()))]
            elif message["type"] == "http.response.body":
                exchange.sent_bytes += len(message.get("body", b""))
            await send(message)

        # Secrets and what a request says are not compressed together (BREACH).
        secret = exchange.endpoint is None or exchange.endpoint.resource == "keys"
        answering: Send = Compressing(formatted) if not secret and is_taken(scope) else formatted
        try:
            await self._following(scope, receive, answering)
        except Exception as raised:
            error = as_ours(raised)
            exchange.problem = name_of(type(error))
            self._log(exchange, error, raised)
            if exchange.status:
                # Half an answer was sent: a closed connection is the one way left to say that it is not whole.
                raise
            await _answer(exchange, error, formatted)

    def _log(self, exchange: Exchange, error: AnnalsError, raised: Exception) -> None:
        """A fault of ours is told whole; what is away, once for many requests."""
        status = status_of(type(error))
        if status == 503:
            if (untold := self._unavailable[type(error)].due()) is not None:
                before = f" (the same {untold} times before)" if untold else ""
                log.warning("%s: %s%s", exchange.request_id, error, before)
        elif status >= 500:
            log.error("%s: %s", exchange.request_id, error, exc_info=raised if error is not raised else None)


def common(exchange: Exchange, given: Any) -> list[tuple[bytes, bytes]]:
    """Headers of every answer, without those that the handler gave itself."""
    named = {name for name, _ in given}
    return [
        (b"x-request-id", exchange.request_id.encode("ascii")),
        *exchange.headers,
        *((name, value) for name, value in ALWAYS if name not in named),
    ]


def as_ours(error: Exception) -> AnnalsError:
    """The error of ours that says the same."""
    match error:
        case AnnalsError():
            return error
        case RequestValidationError():
            faults = error.errors()
            if any(fault["type"] == "json_invalid" for fault in faults):
                return MalformedRequestError("the body is no JSON; send one JSON object")
            return InvalidFieldsError([_told(fault) for fault in faults[:MAX_FAULTS]])
        case HTTPException() if error.status_code < 500:
            return MalformedRequestError("the body cannot be read as JSON; send one JSON object")
    return InternalError()


def _told(fault: Any) -> dict[str, str]:
    return {"pointer": _pointer(fault["loc"])[:MAX_FAULT], "detail": fault["msg"][:MAX_FAULT]}


def _pointer(path: tuple[Any, ...]) -> str:
    """A JSON Pointer (RFC 6901) into the body, or `query: limit`."""
    if path and path[0] != "body":
        return f"{path[0]}: {'.'.join(map(str, path[1:]))}"
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path[1:])


async def _answer(exchange: Exchange, error: AnnalsError, send: Send) -> None:
    status, body = problem_of(error, exchange.request_id)
    headers = [(b"content-type", MEDIA_TYPE), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="annals"'))
    if status == 405:
        headers.append((b"allow", ", ".join(exchange.allowed_methods).encode()))
    if status == 503 or isinstance(error, RequestRunningError):
        headers.append((b"retry-after", str(RETRY_AFTER_S).encode()))
    if isinstance(error, TooManyAttemptsError | BlockedError | LimitError):
        left_s = error.left_s if isinstance(error, BlockedError) else error.retry_after_s
        headers.append((b"retry-after", str(max(1, math.ceil(left_s))).encode()))
    if status in (408, 413) or isinstance(error, BodiesHeldError):
        # The rest of the body is not read.
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if exchange.method == "HEAD" else body})
