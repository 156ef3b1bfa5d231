"""What answers where a gateway is not open yet: whoever asks is told to come again, and does not wait for nothing."""

from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.errors import StartingError
from gateway.exchange import identified
from gateway.problems import MEDIA_TYPE, RETRY_AFTER_S, problem_of


class Opening:
    """Answers 503 with Retry-After to everything, and from the time that it is opened as the gateway does."""

    def __init__(self) -> None:
        self._gateway: ASGIApp | None = None

    @property
    def is_open(self) -> bool:
        """Whether the gateway answers."""
        return self._gateway is not None

    def open(self, gateway: ASGIApp) -> None:
        """It answers from now on."""
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._gateway is not None:
            await self._gateway(scope, receive, send)
            return
        request_id, _ = identified(scope)
        status, body = problem_of(StartingError(), request_id)
        headers = {
            "content-type": MEDIA_TYPE.decode(),
            "content-length": str(len(body)),
            "retry-after": str(RETRY_AFTER_S),
            "cache-control": "no-store",
            "x-request-id": request_id,
            "connection": "close",
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
