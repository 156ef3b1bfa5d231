"""Step 2: who sends the request. Each success and each failure is an entry of the audit log."""

from collections.abc import Sequence
from functools import partial

from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.chain.rate_limit import LimitAlong
from gateway.errors import BusyError, MethodNotAllowedError, UnknownPathError
from gateway.exchange import Exchange, exchange_of, headers
from security.audit import AuditEntry, AuditLog
from security.errors import AuthenticationError, InvalidCredentialError
from security.principal import Principal
from services.deadline import Deadline, DeadlineExceededError
from services.security.guarded_authentication import Authentication

LIMIT_S = 5.0
ACTION = "authenticate"


class Authenticator:
    """A path that is not in the table is refused here: nothing says what it would need."""

    def __init__(self, following: ASGIApp, authentication: Authentication, audit: AuditLog, along: LimitAlong) -> None:
        self._following = following
        self._authentication = authentication
        self._audit = audit
        self._along = along

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request.

        Raises AuthenticationError, UnknownPathError, MethodNotAllowedError, StoreUnavailableError, BusyError.
        """
        exchange = exchange_of(scope)
        if exchange.fault is not None:
            raise exchange.fault
        if exchange.endpoint is None:
            raise MethodNotAllowedError() if exchange.allowed_methods else UnknownPathError()
        if exchange.endpoint.auth_required:
            exchange.principal = await self._authenticated(exchange, headers(scope, b"authorization"))
        await self._following(scope, receive, send)

    async def _authenticated(self, exchange: Exchange, given: Sequence[bytes]) -> Principal:
        authorization = given[0].decode("latin-1") if given else None
        try:
            if len(given) > 1:
                # Whoever stands before us may have looked at the other one.
                raise InvalidCredentialError("two Authorization headers")
            deadline = Deadline.after(LIMIT_S)
            principal = await self._authentication.authenticate(
                authorization, exchange.client, deadline, partial(self._along.ask, exchange)
            )
        except AuthenticationError as error:
            await self._audit.record(_denied(exchange, error))
            raise
        except DeadlineExceededError:
            raise BusyError() from None
        await self._audit.record(_succeeded(exchange, principal))
        return principal


def _denied(exchange: Exchange, error: AuthenticationError) -> AuditEntry:
    return AuditEntry(
        tenant=error.tenant,
        actor=error.account or "nobody",
        category="authentication",
        action=ACTION,
        resource=exchange.path,
        outcome="denied",
        reason=error.reason,
        address=exchange.client,
        request_id=exchange.correlation_id,
    )


def _succeeded(exchange: Exchange, principal: Principal) -> AuditEntry:
    return AuditEntry(
        tenant=principal.tenant,
        actor=principal.id,
        category="authentication",
        action=ACTION,
        resource=exchange.path,
        credential=principal.credential,
        address=exchange.client,
        request_id=exchange.correlation_id,
    )
