"""Assistants that speak the Model Context Protocol over HTTP (its "streamable HTTP", stateless, with JSON answers)."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from client.gateway import Gateway
from client.tools import tools_server
from contracts.errors import AnnalsError
from gateway.chain import ASGIApp

ORIGIN = "http://gateway"
"""In place of an address: the requests of tools do not leave the process."""


class NotServingError(AnnalsError):
    """The gateway does not serve assistants yet; try again in a moment."""


class Assistants:
    """Each call of a tool is a request to `gateway`, with the credential and the address of the assistant's own.

    So a tool passes the whole chain: permissions, limits and the audit log are as for anybody else.
    """

    def __init__(self, gateway: ASGIApp) -> None:
        self._gateway = gateway
        self._server = tools_server(self._opened)
        # A page of a foreign site gets nowhere without a token, whatever Host it names.
        unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        self._server.streamable_http_app(stateless_http=True, json_response=True, transport_security=unchecked)
        self._serving = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """While it is entered, messages are answered."""
        async with self._server.session_manager.run():
            self._serving = True
            try:
                yield
            finally:
                self._serving = False

    def answer(self, body: bytes) -> Response:
        """What answers a message, whose bytes were received already. Raises NotServingError."""
        if not self._serving:
            raise NotServingError
        return _Answer(self, body)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One message."""
        await self._server.session_manager.handle_request(scope, receive, send)

    def _opened(self, context: Context) -> AbstractAsyncContextManager[Gateway]:
        request = context.request_context.request
        assert isinstance(request, Request), "it came over HTTP"
        return self._as_asked(request)

    @asynccontextmanager
    async def _as_asked(self, request: Request) -> AsyncIterator[Gateway]:
        client = request.client
        transport = httpx.ASGITransport(self._gateway, client=(client.host, client.port) if client else ("", 0))
        # What the assistant's request is traced by goes on.
        kept = {name: request.headers[name] for name in ("authorization", "traceparent") if name in request.headers}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=kept) as inside:
            # A limit that was reached is told at once: the assistant's own request has a limit of time.
            yield Gateway(ORIGIN, inside, patient=False)


class _Answer(Response):
    def __init__(self, assistants: Assistants, message: bytes) -> None:
        super().__init__()
        self._assistants = assistants
        self._message: bytes | None = message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def again() -> Message:
            message, self._message = self._message, None
            if message is None:
                return await receive()
            return {"type": "http.request", "body": message, "more_body": False}

        await self._assistants.handle(scope, again, send)
