"""How the pools fare (specification 3.2, PoolHealthReport)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Health = Literal["healthy", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class PoolStats:
    """`waiting`: who waits for a connection now. `acquired` (None where the driver does not
    tell) and `failures`: since the process started.

    `answer_ms` is how long the server took to answer just now; None when it did not.
    """

    limit: int
    total: int
    active: int
    idle: int
    waiting: int
    acquired: int | None
    failures: int
    answer_ms: float | None
    error: str | None = None

    @property
    def health(self) -> Health:
        """Down when the server does not answer, degraded when somebody waits for a connection."""
        if self.answer_ms is None:
            return "down"
        return "degraded" if self.waiting else "healthy"


@dataclass(frozen=True, slots=True)
class PoolHealthReport:
    """All pools of a process at one moment."""

    timestamp: datetime
    pools: Mapping[str, PoolStats]

    @property
    def overall(self) -> Health:
        """As the worst of them."""
        found = {stats.health for stats in self.pools.values()}
        return "down" if "down" in found else "degraded" if "degraded" in found else "healthy"
