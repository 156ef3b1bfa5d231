"""The gateway as one ASGI application: the table's routes behind the chain (specification 1.1)."""

import json
from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cache
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from contracts.errors import AnnalsError
from gateway.assistants import Assistants
from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.chain.auditing import Auditor
from gateway.chain.authentication import Authenticator
from gateway.chain.authorization import Authorizer
from gateway.chain.cors import CrossOrigin
from gateway.chain.formatting import ResponseFormatter
from gateway.chain.idempotency import Idempotency
from gateway.chain.metrics import ApiMonitor
from gateway.chain.processing import RequestProcessor
from gateway.chain.rate_limit import LimitAlong, RateLimiter
from gateway.chain.request_log import RequestLogger
from gateway.chain.routing import ApiRoutes
from gateway.endpoint import ApiEndpointConfig
from gateway.endpoints import ENDPOINTS
from gateway.errors import MalformedRequestError
from gateway.exchange import KEY, Exchange, headers, identified
from gateway.handlers import HANDLERS
from gateway.openapi import described, document
from gateway.protocols import Authorization
from gateway.router import ApiRouter, Match
from gateway.services import GatewayServices
from security.audit import AuditLog
from services.security.guarded_authentication import Authentication


class EnhancedKnowledgeStorageGateway:
    """Takes HTTP requests; other scopes (WebSocket, lifespan) are not served."""

    def __init__(
        self,
        services: GatewayServices,
        authentication: Authentication,
        authorization: Authorization,
        audit: AuditLog,
        endpoints: Sequence[ApiEndpointConfig] = ENDPOINTS,
        origins: Collection[str] = (),
    ) -> None:
        """`origins` are those whose pages may call it, as `https://example.org`."""
        self._api = make_api(endpoints)
        self._api.state.services = services
        self._api.state.document = cache(lambda: json.dumps(document(self._api, endpoints, HANDLERS)))
        self._router = ApiRouter(endpoints)
        # From the last step to the first.
        chain: ASGIApp = ApiRoutes(routes_of(self._api, endpoints))
        chain = Auditor(chain, audit)
        chain = Idempotency(chain, services.idempotency)
        chain = RequestProcessor(chain, services.documents.consistency, services.positions)
        chain = RateLimiter(chain, services.limits)
        chain = Authorizer(chain, authorization, audit)
        chain = Authenticator(chain, authentication, audit, LimitAlong(services.limits, authorization))
        chain = ResponseFormatter(chain)
        if origins:
            chain = CrossOrigin(chain, origins)
        chain = RequestLogger(chain)
        self._chain: ASGIApp = ApiMonitor(chain)
        self._assistants = Assistants(self)
        self._api.state.assistants = self._assistants

    def serving(self) -> AbstractAsyncContextManager[None]:
        """To be entered while requests are taken; without it, assistants are told to come later."""
        return self._assistants.serving()

    def _found(self, scope: Scope) -> tuple[Match, AnnalsError | None]:
        hosts = headers(scope, b"host")
        if len(hosts) > 1 or (not hosts and scope["http_version"] == "1.1"):
            return Match(None, {}), MalformedRequestError("a request has one Host header (RFC 9112, 3.2); send one")
        raw_path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        try:
            return self._router.find(scope["method"], raw_path.partition(b"?")[0]), None
        except MalformedRequestError as error:
            return Match(None, {}), error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"the gateway serves HTTP alone, and no {scope['type']}")
        match, fault = self._found(scope)
        request_id, correlation_id = identified(scope)
        client = scope.get("client")
        scope[KEY] = Exchange(
            method=scope["method"],
            path=scope["path"],
            client=client[0] if client else "",
            endpoint=match.endpoint,
            allowed_methods=match.methods,
            request_id=request_id,
            correlation_id=correlation_id,
            fault=fault,
        )
        scope["app"] = self._api
        scope["path_params"] = match.parameters
        await self._chain(scope, receive, send)


def make_api(endpoints: Sequence[ApiEndpointConfig]) -> FastAPI:
    """The routes of a table; they find the services in the application's state."""
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    api.router.routes.extend(_made_routes(tuple(endpoints)))
    return api


@cache
def _made_routes(endpoints: tuple[ApiEndpointConfig, ...]) -> list[BaseRoute]:
    """Applications of a process share them: they hold no state, and what they expect takes long to be worked out."""
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    for endpoint in endpoints:
        handler = HANDLERS[endpoint.handler]
        api.add_api_route(
            endpoint.path,
            handler.function,
            methods=[endpoint.method],
            status_code=handler.status,
            include_in_schema=handler.documented,
            **described(endpoint, handler),
        )
    return api.router.routes


def routes_of(api: FastAPI, endpoints: Sequence[ApiEndpointConfig]) -> dict[str, APIRoute]:
    """The route of each endpoint, by its subject."""
    routes = [route for route in api.routes if isinstance(route, APIRoute)]
    found = {f"{method} {route.path}": route for route in routes for method in route.methods or ()}
    return {endpoint.subject: found[endpoint.subject] for endpoint in endpoints}
