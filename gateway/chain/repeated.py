"""What comes in numbers is logged now and then, and told how often it came."""

import time
from collections.abc import Callable

EVERY_S = 10.0


class Repeated:
    """For lines that one cause may bring about with each request. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_at = float("-inf")
        self._untold = 0

    def due(self) -> int | None:
        """How many came since the last one that was told, where this one is to be told; None where it is not."""
        now = self._clock()
        if now < self._next_at:
            self._untold += 1
            return None
        untold, self._untold = self._untold, 0
        self._next_at = now + EVERY_S
        return untold
