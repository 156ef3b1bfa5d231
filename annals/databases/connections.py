"""Every pool made, checked, bounded and recycled in one place (specification 3.2, ConnectionManager)."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import asyncpg

from annals.databases.health import PoolHealthReport, PoolStats
from annals.settings import Settings
from eventstore.pool import close_pool, open_pool, use_of
from projections.vector.codec import register
from projections.vector.postgres import SEARCH_SETTINGS

if TYPE_CHECKING:
    from annals.databases.servers import Server, Servers

CHECK_LIMIT_S = 5.0

Ping = Callable[[], Awaitable[object]]


class ConnectionManager:
    """Pools are made when opened and filled when used; a server that comes back is connected to again by its pool.

    `servers` are those that only the servers profile has.
    """

    def __init__(self, postgres: asyncpg.Pool, servers: "Servers | None" = None) -> None:
        self.postgres = postgres
        self.servers = servers
        self._failures: Counter[str] = Counter()

    async def monitor_pool_health(self) -> PoolHealthReport:
        """Ask every server for a sign of life, at most CHECK_LIMIT_S, and count what its pool holds."""
        checks = {"postgres": self._postgres()}
        for server in self.servers.all if self.servers is not None else ():
            checks[server.name] = self._server(server)
        found = await asyncio.gather(*checks.values())
        return PoolHealthReport(datetime.now(UTC), dict(zip(checks, found, strict=True)))

    async def _postgres(self) -> PoolStats:
        pool, use = self.postgres, use_of(self.postgres)
        took, error = await _timed(lambda: pool.fetchval("SELECT 1", timeout=CHECK_LIMIT_S))
        return PoolStats(
            limit=pool.get_max_size(),
            total=pool.get_size(),
            active=pool.get_size() - pool.get_idle_size(),
            idle=pool.get_idle_size(),
            waiting=use.waiting,
            acquired=use.acquired,
            failures=use.failures,
            answer_ms=took,
            error=error,
        )

    async def _server(self, server: "Server") -> PoolStats:
        took, error = await _timed(server.ping)
        self._failures[server.name] += took is None
        active, idle, waiting = server.counts()
        return PoolStats(
            limit=server.limit,
            total=active + idle,
            active=active,
            idle=idle,
            waiting=waiting,
            acquired=None,
            failures=self._failures[server.name],
            answer_ms=took,
            error=error,
        )


@contextlib.asynccontextmanager
async def open_connections(settings: Settings, dsn: str) -> AsyncIterator[ConnectionManager]:
    """Pools for this profile. Raises StoreUnavailable when PostgreSQL, which holds the log, does not answer."""
    async with contextlib.AsyncExitStack() as stack:
        # pgvector is only needed where the vectors are in PostgreSQL.
        with_vectors = settings.profile == "embedded"
        postgres = await open_pool(
            dsn,
            max_size=settings.pool_size,
            init=register if with_vectors else None,
            server_settings=SEARCH_SETTINGS if with_vectors else None,
        )
        stack.push_async_callback(close_pool, postgres)
        if settings.profile == "embedded":
            yield ConnectionManager(postgres)
            return
        # Three drivers that the embedded profile need not load.
        from annals.databases.servers import Servers

        servers = Servers(settings)
        stack.push_async_callback(servers.close)
        yield ConnectionManager(postgres, servers)


async def _timed(ping: Ping) -> tuple[float | None, str | None]:
    """Milliseconds until the answer, or why there was none."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            await ping()
    except TimeoutError:
        return None, f"no answer within {CHECK_LIMIT_S:.0f} s"
    except Exception as error:  # each driver has its own; all mean that there was no answer
        return None, " ".join(str(error).split())[:300] or type(error).__name__
    return (time.monotonic() - began) * 1000, None
