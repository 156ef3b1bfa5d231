"""Step 4: how often a user, or an address, may call an endpoint, counted for all processes together.

Headers as the IETF's draft has them (draft-ietf-httpapi-ratelimit-headers-10).
"""

import logging
import math
from datetime import UTC, datetime

from eventstore.access_version import Version
from eventstore.errors import StoreUnavailableError, reason_of
from gateway.chain import ASGIApp, Receive, Scope, Send
from gateway.chain.authorization import wanted
from gateway.endpoint import RateLimit
from gateway.errors import TooManyRequestsError
from gateway.exchange import Exchange, exchange_of
from gateway.protocols import Authorization
from security.attempts import network_of
from security.principal import Principal
from services.local_rate_limits import LocalRateLimits
from services.rate_limits import Grant, RequestLimits

log = logging.getLogger(__name__)


class RateLimiter:
    """While the limiter's database is away, this process counts for itself: a cache's server stops no request."""

    def __init__(self, following: ASGIApp, limits: RequestLimits) -> None:
        self._following = following
        self._limits = limits
        self._own = LocalRateLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Raises TooManyRequestsError."""
        exchange = exchange_of(scope)
        endpoint = exchange.endpoint
        if endpoint is not None and endpoint.rate_limit is not None:
            limit = endpoint.rate_limit
            grant = exchange.grant or await self._take(*_who(exchange), endpoint.subject, limit)
            exchange.headers += headers(limit, grant)
            if not grant.allowed:
                raise TooManyRequestsError(
                    f"more than {limit.requests} requests in {limit.per_s:g} s; "
                    f"try again in {max(1, math.ceil(grant.retry_after_s))} s"
                )
        await self._following(scope, receive, send)

    async def _take(self, tenant: str, who: str, subject: str, limit: RateLimit) -> Grant:
        taking = tenant, f"{who} {subject}", limit.requests, limit.per_s
        try:
            return await self._limits.take(*taking)
        except StoreUnavailableError as error:
            log.warning("counting requests in this process alone: %s", reason_of(error))
            return await self._own.take(*taking)


class LimitAlong:
    """Has the limiter count a request in the round trip that says whether its sender still is who he was.

    What may not be done is not counted, as when the steps ask one after the other.
    """

    def __init__(self, limits: RequestLimits, authorization: Authorization) -> None:
        self._limits, self._authorization = limits, authorization

    async def ask(self, exchange: Exchange, principal: Principal, at: Version) -> Version | None:
        """See AskAlong; `exchange` gets the grant."""
        endpoint = exchange.endpoint
        if endpoint is None or endpoint.rate_limit is None:
            return None
        access = self._authorization.access_at(principal, exchange.client or None, datetime.now(UTC), at)
        if access is None or not access.decide(*wanted(endpoint, access)).allowed:
            return None
        limit, subject = endpoint.rate_limit, f"{principal.id} {endpoint.subject}"
        taken = await self._limits.take_along(principal.tenant, subject, limit.requests, limit.per_s, at)
        if taken is None:
            return None
        version, exchange.grant = taken
        return version


def _who(exchange: Exchange) -> tuple[str, str]:
    """Tenant and user; of whoever is not known, no tenant and the address, an IPv6 network of 64 bits being one."""
    if exchange.principal is not None:
        return exchange.principal.tenant, exchange.principal.id
    return "", network_of(exchange.client)


def headers(limit: RateLimit, grant: Grant) -> list[tuple[bytes, bytes]]:
    """`q` and `w`: quota and window in seconds; `r` and `t`: what is left, and seconds until all of it is back."""
    found = [
        (b"ratelimit-policy", f'"default";q={limit.requests};w={math.ceil(limit.per_s)}'.encode()),
        (b"ratelimit", f'"default";r={grant.remaining};t={math.ceil(grant.reset_s)}'.encode()),
    ]
    if not grant.allowed:
        found.append((b"retry-after", str(max(1, math.ceil(grant.retry_after_s))).encode()))
    return found
