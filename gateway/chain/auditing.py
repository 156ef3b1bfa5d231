"""What the handler did goes into the audit log, before the answer does, where no use case told it already."""

from contracts.errors import AnnalsError
from gateway.chain import ASGIApp, Message, Receive, Scope, Send
from gateway.exchange import exchange_of
from security.audit import AuditLog, Category
from services.errors import AccessDeniedError
from services.security.auditing import entry_of, trailed

_CATEGORIES: dict[str, Category] = {
    "read": "read",
    "execute": "read",
    "write": "change",
    "delete": "change",
    "administer": "administration",
}


class Auditor:
    """An entry of the request, where none was made on its way: its object is what the path names."""

    def __init__(self, following: ASGIApp, audit: AuditLog) -> None:
        self._following, self._audit = following, audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises what the following steps raise, StoreUnavailableError."""
        exchange = exchange_of(scope)
        caller, endpoint = exchange.given_caller, exchange.endpoint
        if caller is None or endpoint is None:
            await self._following(scope, receive, send)
            return
        category = _CATEGORIES[endpoint.action]
        told = (endpoint.action, endpoint.resource, "/".join(map(str, scope["path_params"].values())))
        recorded = False

        async def audited(message: Message) -> None:
            nonlocal recorded
            if message["type"] == "http.response.start" and not recorded:
                recorded = True
                if trail.last is None:
                    await self._audit.record(entry_of(caller, category, *told))
            await send(message)

        try:
            with trailed() as trail:
                await self._following(scope, receive, audited)
        except AccessDeniedError as error:
            if trail.last in (None, "success"):
                await self._audit.record(entry_of(caller, "authorization", *told, "denied", str(error)))
            raise
        except Exception as error:
            # What is no error of ours may repeat what it was given: its kind is enough.
            reason = str(error) if isinstance(error, AnnalsError) else type(error).__name__
            if not recorded and trail.last in (None, "success"):
                await self._audit.record(entry_of(caller, category, *told, "failed", reason))
            raise
