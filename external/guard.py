"""What stands around each request to a system outside, whatever its protocol.

From outside in: retry with jitter (tenacity), rate limit (aiolimiter), metrics, circuit breaker (purgatory).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import purgatory
from aiolimiter import AsyncLimiter
from purgatory.domain.model import OpenedState

from external.errors import HeldBackError, LeftAloneError
from external.monitor import Outcome, breaker_told, counted
from external.retry import JitteredWait, retrying
from telemetry import metrics

T = TypeVar("T")
Judge = Callable[[BaseException], bool]


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """How to treat one system. Times are in seconds; no wait is without an end."""

    system: str
    """Its name, for people and for metrics."""
    rate: float = 20.0
    """Requests in each `rate_period_s`. After a rest as many may leave at once, so a period can see twice that."""
    rate_period_s: float = 1.0
    rate_wait_s: float = 60.0
    """A request that our own rate would keep longer than this is given up."""
    tries: int = 4
    first_wait_s: float = 0.5
    most_wait_s: float = 15.0
    breaker_failures: int = 8
    """In a row, and no fewer than `tries`, or one request alone could open the breaker."""
    breaker_open_s: float = 30.0


class Guard:
    """For one system, within one event loop."""

    def __init__(self, settings: GuardSettings, failed: Judge, worth_retry: Judge, outcome: Outcome) -> None:
        """`failed`: errors that say that the system is not well, `worth_retry`: those after which it is asked again;
        `outcome`: what the metrics call an error of the system.
        """
        self._settings = settings
        self._worth_retry = worth_retry
        self._outcome = outcome
        self._limiter = AsyncLimiter(settings.rate, settings.rate_period_s)
        self._breakers = purgatory.AsyncCircuitBreakerFactory(
            default_threshold=settings.breaker_failures,
            default_ttl=settings.breaker_open_s,
            exclude=[(BaseException, lambda error: not failed(error))],
        )
        self._breakers.add_listener(breaker_told)

    async def run(self, act: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
        """Call `act`, again where it failed and `repeatable` says that it may be done twice.

        Raises HeldBackError, LeftAloneError, and what the last call raised.
        """
        chosen = self._settings
        tries = retrying(
            chosen.tries if repeatable else 1,
            JitteredWait(chosen.first_wait_s, chosen.most_wait_s),
            self._worth_retry,
            lambda _: metrics.EXTERNAL_RETRIES.labels(chosen.system).inc(),
        )
        try:
            return await tries(self._once, act)
        except OpenedState as error:
            wait = max(0.0, error.opened_at + chosen.breaker_open_s - time.time())
            raise LeftAloneError(chosen.system, wait) from error

    async def _once(self, act: Callable[[], Awaitable[T]]) -> T:
        # Before the breaker: a request that our own limit kept back says nothing about the system.
        await self._wait_for_turn()
        with counted(self._settings.system, self._outcome):
            async with await self._breakers.get_breaker(self._settings.system):
                return await act()

    async def _wait_for_turn(self) -> None:
        try:
            async with asyncio.timeout(self._settings.rate_wait_s):
                await self._limiter.acquire()
        except TimeoutError as error:
            metrics.EXTERNAL_REQUESTS.labels(self._settings.system, "held_back").inc()
            raise HeldBackError from error
