"""How the pools fare (specification 3.2, PoolHealthReport)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from eventstore.errors import reason_of

log = logging.getLogger(__name__)

REPORT_EVERY_S = 60.0

Health = Literal["healthy", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class PoolStats:
    """`pending_requests`: who waits for a connection now. `acquired`: connections given, `failures`: connections that
    were not had or broke, both since the process started.

    `answer_ms` is how long the server took to answer just now; None when it did not, and `error` says why.
    """

    total_connections: int
    active_connections: int
    idle_connections: int
    pending_requests: int
    limit: int
    acquired: int
    failures: int
    answer_ms: float | None = None
    error: str | None = None

    @property
    def health(self) -> Health:
        """Down when the server does not answer; degraded when there is no connection for somebody, us included."""
        if self.answer_ms is None:
            return "degraded" if self.active_connections >= self.limit else "down"
        return "degraded" if self.pending_requests else "healthy"


@dataclass(frozen=True, slots=True)
class PoolHealthReport:
    """All pools of a process at one moment."""

    timestamp: datetime
    pool_stats: Mapping[str, PoolStats]

    @property
    def overall_health(self) -> Health:
        """As the worst of them."""
        found = {stats.health for stats in self.pool_stats.values()}
        return "down" if "down" in found else "degraded" if "degraded" in found else "healthy"


class PoolMonitor(Protocol):
    """Of all pools of this process."""

    async def monitor_pool_health(self) -> PoolHealthReport:
        """Ask every server for a sign of life."""
        ...

    async def check(self) -> None:
        """Raises StoreUnavailableError naming each server that is needed and does not answer."""
        ...


@dataclass(frozen=True)
class Pool:
    """One pool as the report sees it: `server` is whose, `look` counts what it holds, `ping` asks over it.

    `needed`: nothing works without the server. What `ping` raises begins with `server`.
    """

    name: str
    server: str
    address: str
    look: Callable[[], PoolStats]
    ping: Callable[[], Awaitable[object]]
    needed: bool = True

    async def asked(self, limit_s: float) -> PoolStats:
        """Ask the server for a sign of life, and count."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                await self.ping()
        except TimeoutError:
            stats = self.look()
            busy = stats.active_connections >= stats.limit
            return replace(stats, error=f"{'gave no connection' if busy else 'does not answer'} within {limit_s:g} s")
        except Exception as error:  # each driver has its own; all mean that there was no answer
            said = reason_of(error)[:300]
            return replace(self.look(), error=said.removeprefix(f"{self.server} "))
        return replace(self.look(), answer_ms=(time.monotonic() - began) * 1000)


def summary(report: PoolHealthReport) -> tuple[int, str]:
    """A line for the log and its level: INFO while something is wrong, else DEBUG."""
    level = logging.DEBUG if report.overall_health == "healthy" else logging.INFO
    return level, "pools: " + "; ".join(f"{name} {_said(stats)}" for name, stats in report.pool_stats.items())


def _said(stats: PoolStats) -> str:
    why = f", {stats.error}" if stats.error is not None else ""
    return (
        f"{stats.health}{why} ({stats.active_connections} of {stats.limit} in use, {stats.pending_requests} waiting, "
        f"{stats.failures} failures)"
    )


async def report_pools(check: Callable[[], Awaitable[PoolHealthReport]]) -> None:
    """Log how the pools fare, every REPORT_EVERY_S until cancelled."""
    while True:
        level, line = summary(await check())
        log.log(level, "%s", line)
        await asyncio.sleep(REPORT_EVERY_S)
