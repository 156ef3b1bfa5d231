"""A store that goes away for a while is waited for, with jitter and an end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_random_exponential

from eventstore.errors import StoreUnavailableError

T = TypeVar("T")
LIMIT_S = 60.0
LONGEST_PAUSE_S = 2.0


async def retry_unavailable(
    act: Callable[[], Awaitable[T]],
    *,
    limit_s: float = LIMIT_S,
    longest_pause_s: float = LONGEST_PAUSE_S,
    before_pause: Callable[[BaseException], None] = lambda _: None,
) -> T:
    """Call `act` again while the store is away; only for what may be done twice.

    `before_pause` is told the error before each pause. Raises StoreUnavailableError after `limit_s`.
    """

    def tell(failed: RetryCallState) -> None:
        error = failed.outcome.exception() if failed.outcome is not None else None
        assert error is not None, "only a failure is followed by a pause"
        before_pause(error)

    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(StoreUnavailableError),
        wait=wait_random_exponential(multiplier=0.1, max=longest_pause_s),
        stop=stop_after_delay(limit_s),
        before_sleep=tell,
        reraise=True,
    ):
        with attempt:
            result = await act()
    return result
