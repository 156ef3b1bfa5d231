"""Operations of services over HTTP: `POST /rpc/OPERATION` with a request as JSON; `GET /health` for probes."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.errors import AnnalsError
from security.service_tokens import (
    Peer,
    SeenTokens,
    ServiceIdentity,
    ServiceTokenError,
    check_body,
    claimed_sender,
    verify_sender,
)
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.mesh.caller_claims import AccessOf, caller_of
from services.mesh.operations import Operation, operations_of
from services.mesh.registry import KnownKeys, ServiceKeys
from services.mesh.rpc_errors import described
from services.mesh.rpc_headers import ANSWER_TOKEN, REQUEST_BYTES, TOKEN, granted_s
from services.requests import in_words
from telemetry import metrics

log = logging.getLogger(__name__)

READ_LIMIT_S = 20.0
"""Within which a request is to be here."""


class RpcServer:
    """One service's operations, for callers that prove who they are. `outstanding`: requests under way."""

    def __init__(
        self, identity: ServiceIdentity, service: object, keys: ServiceKeys, access_of: AccessOf, capacity: int = 4
    ) -> None:
        """`service` has a method for each operation of the identity's service.

        `capacity`: requests at once that make a load of 1.
        """
        self._capacity = capacity
        self._identity = identity
        self._service = service
        self._keys = KnownKeys(keys)
        self._access_of = access_of
        self._operations: Mapping[str, Operation] = operations_of(identity.peer.service)
        self._seen = SeenTokens()
        self.outstanding = 0
        self.app = Starlette(
            routes=[
                Route("/rpc/{operation}", self._call, methods=["POST"]),
                Route("/health", self._health, methods=["GET"]),
            ]
        )

    @property
    def load(self) -> float:
        """Requests under way by what can be under way; above 1 they wait for each other."""
        return self.outstanding / self._capacity

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"service": self._identity.peer.service, "load": self.load})

    async def _call(self, request: Request) -> Response:
        began, name = time.monotonic(), request.path_params["operation"]
        known = name if name in self._operations else "unknown"
        self.outstanding += 1
        sender: Peer | None = None
        token_id = ""
        try:
            async with Deadline.after(READ_LIMIT_S).enforce("reading the request"):
                sender, claims = await self._authenticated(request)
                body = await _body(request)
            check_body(claims, body)
            token_id = claims["jti"]
            if claims.get("op") != name or name not in self._operations:
                raise NotFoundError(
                    f"the service {self._identity.peer.service} has no operation {name!r}; see its list"
                )
            caller = await caller_of(claims, self._access_of)
            status, said = 200, await self._answer(request, self._operations[name], caller, body)
        except _GoneError:
            metrics.SERVICE_REQUESTS.labels(known, "cancelled").inc()
            return Response(status_code=499)
        except Exception as error:
            status, content = described(error)
            said = json.dumps(content).encode()
            if status == 500:
                log.exception("%s failed", known)
            elif status == 401:
                log.warning(
                    "a request without a valid service token came from %s", request.client and request.client[0]
                )
        finally:
            self.outstanding -= 1
        metrics.SERVICE_REQUESTS.labels(known, str(status)).inc()
        metrics.SERVICE_SECONDS.labels(known).observe(time.monotonic() - began)
        return self._signed(status, said, sender, token_id)

    async def _authenticated(self, request: Request) -> tuple[Peer, dict[str, Any]]:
        """Before a byte of the body is kept. Raises ServiceTokenError, StoreUnavailableError."""
        scheme, _, token = request.headers.get(TOKEN, "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ServiceTokenError
        found = await self._keys.find(claimed_sender(token))
        if found is None:
            raise ServiceTokenError
        sender = Peer(found.service, found.instance)
        claims = verify_sender(token, sender, found.public_key, self._identity.peer)
        self._seen.take(claims)
        return sender, claims

    async def _answer(self, request: Request, operation: Operation, caller: Caller, body: bytes) -> bytes:
        deadline = Deadline.after(granted_s(request.headers, operation.limit_s))
        try:
            asked = operation.requests.validate_json(body)
        except ValidationError as error:
            raise InvalidRequestError(in_words(error)) from None
        async with deadline.enforce(operation.name):
            done = await _while_listening(request, getattr(self._service, operation.name)(caller, asked, deadline))
        return operation.responses.dump_json(done)

    def _signed(self, status: int, said: bytes, sender: Peer | None, token_id: str) -> Response:
        """The caller knows by it that the answer is ours, and to his request."""
        response = Response(said, status, media_type="application/json")
        if sender is not None:
            claims = {"answers": token_id, "status": status}
            response.headers[ANSWER_TOKEN] = self._identity.sign(sender, said, claims)
        return response


class _GoneError(AnnalsError):
    """Whoever asked went away; nothing is to be done."""


async def _body(request: Request) -> bytes:
    """Raises InvalidRequestError where it is too large, before it is read whole."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > REQUEST_BYTES:
            raise InvalidRequestError(f"request: is over {REQUEST_BYTES} bytes; send less at once")
    return bytes(body)


async def _while_listening(request: Request, working: Any) -> Any:
    """The result of `working`, which is cancelled when the other side goes away: raises _GoneError."""
    work, gone = asyncio.ensure_future(working), asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise _GoneError
        return work.result()
    finally:
        for task in (work, gone):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await gone


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
