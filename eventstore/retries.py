"""A database that goes away for a moment is waited for, with jitter and an end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_random_exponential

from eventstore.errors import StoreUnavailableError

T = TypeVar("T")
LIMIT_S = 60.0


async def retry_unavailable(ask: Callable[[], Awaitable[T]]) -> T:
    """Call `ask` again while the store is away; only for what may be done twice.

    Raises StoreUnavailableError after LIMIT_S.
    """

    @retry(
        retry=retry_if_exception_type(StoreUnavailableError),
        wait=wait_random_exponential(multiplier=0.1, max=2.0),
        stop=stop_after_delay(LIMIT_S),
        reraise=True,
    )
    async def asked() -> T:
        return await ask()

    return await asked()
