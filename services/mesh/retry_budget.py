"""How many requests may be sent again: a share of those that are sent, so that retries never multiply an outage."""

import time
from collections.abc import Callable


class RetryBudget:
    """A token bucket, as Finagle's: each request pays `share` in, each retry takes 1, `reserve` is there at first."""

    def __init__(
        self,
        share: float = 0.2,
        reserve: float = 10.0,
        most: float = 100.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """What is missing of the reserve comes back at one a second, for those who ask seldom."""
        self._share, self._reserve, self._most, self._clock = share, reserve, most, clock
        self._balance, self._at = reserve, clock()

    def request(self) -> None:
        """One is sent for the first time."""
        self._balance = min(self._most, self._balance + self._share)

    def take(self) -> bool:
        """Whether one may be sent again."""
        now = self._clock()
        if self._balance < self._reserve:
            self._balance = min(self._reserve, self._balance + now - self._at)
        self._at = now
        if self._balance < 1.0:
            return False
        self._balance -= 1.0
        return True
