"""Rate limits of one process alone, for while the database that counts for all of them is away."""

import time
from collections import OrderedDict
from collections.abc import Callable

from eventstore.access_version import Version
from services.rate_limits import ROUNDING, Grant, granted

MAX_KEPT = 10_000
"""Subjects; those that were not taken for longest are forgotten first."""


class LocalRateLimits:
    """GCRA in memory. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def open(self) -> None:
        """Nothing to be made."""

    async def take(self, tenant: str, subject: str, limit: int, per_s: float) -> Grant:
        """Do `subject` once: at most `limit` at once, refilled evenly over `per_s` seconds."""
        now, step, key = self._clock(), per_s / limit, (tenant, subject)
        used = max(0.0, self._until.get(key, now) - now)
        if used + step > per_s + ROUNDING:
            return granted(False, used, step, per_s)
        self._until[key] = now + used + step
        self._until.move_to_end(key)
        if len(self._until) > MAX_KEPT:
            self._until.popitem(last=False)
        return granted(True, used + step, step, per_s)

    async def take_along(
        self, tenant: str, subject: str, limit: int, per_s: float, at: Version
    ) -> tuple[Version, Grant | None] | None:
        """The version is in PostgreSQL."""
        return None
