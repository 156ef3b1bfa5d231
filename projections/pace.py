"""A pace that leaves room for others."""

import asyncio
import time

BATCHES_A_SECOND = 4


class Pace:
    """At most `rate` of something in a second, in batches that are small enough for it to be even."""

    def __init__(self, rate: float) -> None:
        self.batch = max(1, min(500, int(rate / BATCHES_A_SECOND)))
        self._rate = rate
        self._began = time.monotonic()
        self._done = 0

    async def wait(self, done: int) -> None:
        """So many were done: until more may be."""
        self._done += done
        await asyncio.sleep(max(0.0, self._began + self._done / self._rate - time.monotonic()))
