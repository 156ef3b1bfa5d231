"""A store that goes away for a while is waited for, with jitter and an end."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from eventstore.errors import StoreUnavailableError

T = TypeVar("T")
LIMIT_S = 60.0
LONGEST_PAUSE_S = 2.0
FIRST_PAUSE_S = 0.1


async def retry_unavailable(
    act: Callable[[], Awaitable[T]],
    *,
    limit_s: float = LIMIT_S,
    longest_pause_s: float = LONGEST_PAUSE_S,
    before_pause: Callable[[BaseException], None] = lambda _: None,
) -> T:
    """Call `act` again while the store is away; only for what may be done twice.

    `before_pause` is told the error before each pause. Raises StoreUnavailableError after `limit_s`.

    Written out: every batch of every consumer comes through here several times, and a library's way to say the same
    takes a tenth of a millisecond where nothing fails.
    """
    began, longest_s = time.monotonic(), FIRST_PAUSE_S
    while True:
        try:
            return await act()
        except StoreUnavailableError as error:
            if time.monotonic() - began >= limit_s:
                raise
            before_pause(error)
        await asyncio.sleep(random.uniform(0, min(longest_s, longest_pause_s)))
        longest_s = min(2 * longest_s, longest_pause_s)
