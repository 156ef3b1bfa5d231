"""Every pool made, checked, bounded and recycled in one place (specification 3.2, ConnectionManager)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from annals.addresses import without_password
from annals.settings import Settings
from eventstore.errors import StoreUnavailableError
from eventstore.log import EventLog
from eventstore.pool import PostgresPool, acquire, close_pool, open_pool
from projections.vector.codec import register
from projections.vector.postgres import SEARCH_SETTINGS
from services.operations.health import Pool, PoolHealthReport, PoolStats

if TYPE_CHECKING:
    from annals.composition.servers import Servers

CHECK_LIMIT_S = 5.0
START_LIMIT_S = 30.0
"""A server that was just started itself takes its time for the first answer."""


class ConnectionManager:
    """Pools are made when opened and filled when used; a server that comes back is connected to again by its pool.

    `address` is PostgreSQL's, as it may be shown; `servers` are those that only the servers profile has.
    """

    def __init__(self, postgres: PostgresPool, log: EventLog, address: str, servers: "Servers | None" = None) -> None:
        self.postgres = postgres
        self.log = log
        self.servers = servers
        self._pools = (
            Pool("postgres", "PostgreSQL", address, self._look_postgres, self._ping_postgres),
            Pool("log", "PostgreSQL", address, self._look_log, self._ping_log),
            *(servers.pools if servers is not None else ()),
        )
        # The log's library is synchronous. A server that hangs holds up one thread of ours, not one more each minute.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="log-check")

    @property
    def pools(self) -> Sequence[Pool]:
        """Every pool, to be asked on its own."""
        return self._pools

    async def monitor_pool_health(self, limit_s: float = CHECK_LIMIT_S) -> PoolHealthReport:
        """Ask every server for a sign of life over its pool, at most `limit_s`, and count what each pool holds."""
        found = await asyncio.gather(*(pool.asked(limit_s) for pool in self._pools))
        return PoolHealthReport(
            datetime.now(UTC), {pool.name: stats for pool, stats in zip(self._pools, found, strict=True)}
        )

    async def check(self) -> None:
        """Ask every server once. Raises StoreUnavailableError naming each that is needed and does not answer."""
        stats = (await self.monitor_pool_health(START_LIMIT_S)).pool_stats
        silent = [pool for pool in self._pools if pool.needed and stats[pool.name].error is not None]
        if silent:
            raise StoreUnavailableError(
                "; ".join(f"{pool.server} at {pool.address} {stats[pool.name].error}" for pool in silent)
            )

    def close(self) -> None:
        """The checks' own means; the pools are closed by whoever opened them."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _ping_postgres(self) -> None:
        async with acquire(self.postgres) as connection:
            await connection.execute("SELECT 1")

    async def _ping_log(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self.log.ping, CHECK_LIMIT_S)

    def _look_postgres(self) -> PoolStats:
        pool, use = self.postgres, self.postgres.use
        return PoolStats(
            total_connections=pool.get_size(),
            active_connections=pool.get_size() - pool.get_idle_size(),
            idle_connections=pool.get_idle_size(),
            pending_requests=use.waiting,
            limit=pool.get_max_size(),
            acquired=use.acquired,
            failures=use.failures,
        )

    def _look_log(self) -> PoolStats:
        # What never happened is not among them.
        stats = self.log.datastore.pool.get_stats()
        return PoolStats(
            total_connections=stats["pool_size"],
            active_connections=stats["pool_size"] - stats["pool_available"],
            idle_connections=stats["pool_available"],
            pending_requests=stats["requests_waiting"],
            limit=stats["pool_max"],
            acquired=stats.get("requests_num", 0) - stats.get("requests_errors", 0),
            failures=stats.get("requests_errors", 0) + stats.get("connections_errors", 0),
        )


@contextlib.asynccontextmanager
async def open_connections(settings: Settings, dsn: str) -> AsyncIterator[ConnectionManager]:
    """Pools for this profile. Raises StoreUnavailableError when PostgreSQL, which holds the log, does not answer."""
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
        log = EventLog.connect(dsn)
        stack.callback(log.close)
        servers = None
        if settings.profile == "servers":
            # Three drivers that the embedded profile need not load.
            from annals.composition.servers import Servers

            servers = Servers(settings)
            stack.push_async_callback(servers.close)
        manager = ConnectionManager(postgres, log, without_password(dsn), servers)
        stack.callback(manager.close)
        yield manager
