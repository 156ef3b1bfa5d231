"""Which failures are worth another try, and how long to wait for it."""

import email.utils
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_base, wait_random_exponential

from contracts.errors import AnnalsError

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may be sent twice (RFC 9110, section 9.2.2)."""


class BusyError(AnnalsError):
    """The system answered 429 or 5xx; try again after a while.

    Never leaves the client.
    """

    def __init__(self, status: int, said: str, wait_s: float | None) -> None:
        super().__init__(f"{status} {said}")
        self.status = status
        self.said = said
        self.wait_s = wait_s


class CutOffError(AnnalsError):
    """A body ended too soon; ask for the rest.

    What came of it was kept, if the receiver could. Never leaves the client.
    """


class TimeUpError(AnnalsError):
    """No whole answer came in the time that there was; ask again with more.

    It says that the system is not well, and another try has no time left. Never leaves the client.
    """


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: no connection, no answer in time, a cut answer, 429, or 5xx.

    An address that HTTP has no word for, or a request that breaks its rules, stays wrong however often it is sent.
    """
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return False
    return isinstance(error, BusyError | CutOffError | TimeoutError | httpx.TransportError)


def retrying(
    tries: int,
    wait: wait_base,
    worth: Callable[[BaseException], bool],
    on_retry: Callable[[RetryCallState], None],
) -> AsyncRetrying:
    """Up to `tries` tries, as long as the failure is worth another; the last one is raised as it is."""
    return AsyncRetrying(
        stop=stop_after_attempt(tries),
        wait=wait,
        retry=retry_if_exception(worth),
        before_sleep=on_retry,
        reraise=True,
    )


class JitteredWait(wait_base):
    """Full jitter (Brooker, "Exponential Backoff and Jitter", AWS 2015), and at least what the system asked for."""

    def __init__(self, first_s: float, most_s: float) -> None:
        self._jitter = wait_random_exponential(multiplier=first_s, max=most_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        """Seconds until the next try."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = error.wait_s if isinstance(error, BusyError) and error.wait_s is not None else 0.0
        return asked + self._jitter(retry_state)


def retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds that `Retry-After` asks for, given as seconds or as a date (RFC 9110, section 10.2.3)."""
    value = str(headers.get("retry-after", "")).strip()
    if value.isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
