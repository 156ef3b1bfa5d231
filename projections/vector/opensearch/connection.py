"""The connections to OpenSearch's address, each request behind the guard of systems outside and a limiter."""

from typing import Any

from opensearchpy import AIOHttpConnection
from opensearchpy.exceptions import ConnectionError, ConnectionTimeout, TransportError

from eventstore.errors import StoreUnavailableError
from external.errors import HeldBackError, LeftAloneError
from external.guard import Guard, GuardSettings
from external.retry import IDEMPOTENT
from projections.connection_limiter import ConnectionLimiter
from projections.vector.opensearch.client import BUSY

GUARD = GuardSettings(
    "OpenSearch",
    rate=1000.0,
    rate_wait_s=10.0,
    tries=3,
    first_wait_s=0.1,
    most_wait_s=1.0,
    breaker_failures=8,
    breaker_open_s=5.0,
)
"""What waits for it waits itself, too, so a request is not tried for long."""

SIGN_OF_LIFE = "/"
"""What is asked to learn how the server is goes past the guard: it is asked once, and told what is so now."""

READS = frozenset({"_search", "_mget", "_count", "_refresh"})
"""Ends of addresses at which a POST changes nothing, so that it may be sent twice."""


def guard(settings: GuardSettings = GUARD) -> Guard:
    """For one client, within one event loop."""
    return Guard(settings, _failed, _worth_retry, _outcome)


class GuardedConnection(AIOHttpConnection):
    """What the client sends through. aiohttp closes connections that were idle for 15 s."""

    def __init__(self, *, limiter: ConnectionLimiter, guard: Guard, **options: Any) -> None:
        super().__init__(**options)
        self._limiter = limiter
        self._guard = guard

    async def perform_request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        """As the driver does it. Raises StoreUnavailableError where nothing is sent: OpenSearch failed too often, our
        own limit is reached, or no connection was free in time.
        """
        send = super().perform_request

        async def once() -> Any:
            async with self._limiter.passing():
                try:
                    return await send(method, url, *arguments, **options)
                except ConnectionError:
                    self._limiter.use.failures += 1
                    raise

        if url == SIGN_OF_LIFE:
            return await once()
        try:
            return await self._guard.run(
                once, repeatable=method in IDEMPOTENT or (method == "POST" and url.rpartition("/")[2] in READS)
            )
        except (LeftAloneError, HeldBackError) as error:
            raise StoreUnavailableError(f"OpenSearch is not asked now: {error}") from error


def _failed(error: BaseException) -> bool:
    return isinstance(error, ConnectionError) or (isinstance(error, TransportError) and error.status_code in BUSY)


def _worth_retry(error: BaseException) -> bool:
    """What did not answer in time is not asked again: who asks has a deadline."""
    return _failed(error) and not isinstance(error, ConnectionTimeout)


def _outcome(error: BaseException) -> str:
    match error:
        case ConnectionError():
            return "unreachable"
        case TransportError() if error.status_code == 429:
            return "limited"
        case TransportError() if error.status_code in BUSY:
            return "failed"
        case TransportError():
            return "refused"
        case StoreUnavailableError():
            return "held_back"
    return "invalid"
