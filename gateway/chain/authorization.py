"""Step 3: whether he may do what the endpoint does. The use case asks again, of the object itself."""

from datetime import UTC, datetime

from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.endpoint import ApiEndpointConfig
from gateway.exchange import exchange_of
from gateway.protocols import Authorization
from security.access import Access
from security.audit import AuditLog
from services.caller import Caller
from services.errors import AccessDeniedError
from services.security.auditing import entry_of

SOURCE = "http"


def wanted(endpoint: ApiEndpointConfig, access: Access) -> tuple[str, str]:
    """Resource and action that somebody with this access is to be allowed."""
    if endpoint.or_else is not None and not access.decide(endpoint.resource, endpoint.action).allowed:
        return endpoint.or_else
    return endpoint.resource, endpoint.action


class Authorizer:
    """Makes the caller of the use cases. Each decision is an entry of the audit log."""

    def __init__(self, following: ASGIApp, authorization: Authorization, audit: AuditLog) -> None:
        self._following = following
        self._authorization = authorization
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises AccessDeniedError, StoreUnavailableError."""
        exchange = exchange_of(scope)
        principal, endpoint = exchange.principal, exchange.endpoint
        if principal is not None and endpoint is not None:
            access = await self._authorization.access_of(principal, exchange.client or None, datetime.now(UTC))
            caller = Caller(
                tenant=principal.tenant,
                actor=principal.id,
                source=SOURCE,
                access=access,
                correlation_id=exchange.correlation_id,
                credential=principal.credential,
                address=exchange.client,
            )
            await self._decide(caller, endpoint)
            exchange.given_caller = caller
        await self._following(scope, receive, send)

    async def _decide(self, caller: Caller, endpoint: ApiEndpointConfig) -> None:
        resource, action = wanted(endpoint, caller.access)
        try:
            caller.require(resource, action)
        except AccessDeniedError as error:
            denied = entry_of(caller, "authorization", action, resource, "", "denied", str(error))
            await self._audit.record(denied)
            raise
        await self._audit.record(entry_of(caller, "authorization", action, resource))
