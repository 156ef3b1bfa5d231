"""HTTP/1.1 by uvicorn, where nobody holds a connection by sending slowly, or memory by sending much.

uvicorn bounds neither a request's head nor the time that it takes, adds trailers to the headers, and goes on reading a
body after its answer. How large a body may be is the endpoint's to say (`gateway.chain.processing`).
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""Of a head, and of whatever else is no body: extensions of chunks, trailers."""
HEADERS = 128
HEAD_LIMIT_S = 15.0
REST_LIMIT_S = 5.0
"""How long what is left of a body is read, and thrown away, after the answer: else its sender may never read that."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    _in_head = True
    _overhead_bytes = 0
    """Since the last byte of a body, or the end of a head."""
    _head_timer: asyncio.TimerHandle | None = None
    _rest_timer: asyncio.TimerHandle | None = None
    _refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The first request's time begins."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes. What comes behind a refusal is dropped."""
        if self._refused:
            return
        self._overhead_bytes += len(data)
        super().data_received(data)
        if self._overhead_bytes > HEAD_BYTES:
            self._refuse()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        super().on_message_begin()
        self._in_head = True
        self._wait_for_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of a head; trailers say nothing that was not authenticated (RFC 9110, 6.5.1)."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._overhead_bytes = False, 0
        self._stop_waiting()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEADERS:
            self._refuse()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body."""
        self._overhead_bytes = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request's last byte."""
        self._overhead_bytes = 0
        self._stop_waiting()
        if not self._refused:
            super().on_message_complete()
            self.cycle.more_body = False

    def on_response_complete(self) -> None:
        """The last byte of an answer: of a request that is not whole yet nothing more is looked at."""
        # With requests in the pipeline `cycle` is the last of them, and not the one that was answered.
        unread = not self.pipeline and self.cycle.more_body and not self.transport.is_closing()
        super().on_response_complete()
        if unread:
            self._rest_timer = self.loop.call_later(REST_LIMIT_S, self.transport.close)

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._head_timer = self.loop.call_later(HEAD_LIMIT_S, self.transport.close)

    def _stop_waiting(self) -> None:
        for timer in (self._head_timer, self._rest_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._rest_timer = None

    def _refuse(self) -> None:
        self._refused = True
        self._stop_waiting()
        if not self.transport.is_closing():
            # An answer that is being sent to the request before is not to be broken by another one.
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(_TOO_LARGE)
            self.transport.close()
