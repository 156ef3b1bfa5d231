"""The servers profile's own databases: Neo4j, OpenSearch and Redis, each with a bounded pool of its driver's."""

import asyncio
import ssl
import time
from typing import Any
from weakref import WeakKeyDictionary

from opensearchpy import AsyncOpenSearch
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from annals.addresses import without_password
from annals.settings import Settings
from eventstore.errors import StoreUnavailableError
from projections.connection_limiter import ConnectionLimiter
from projections.graph.neo4j.connection import RECYCLE_S, Neo4jDriver, alone, open_driver
from projections.vector.opensearch.client import faults
from projections.vector.opensearch.connection import GuardedConnection, guard
from services.operations.health import Pool, PoolStats

CONNECT_LIMIT_S = 5.0
REQUEST_LIMIT_S = 30.0


class Servers:
    """Nothing is connected before it is used, and what broke is connected again by its driver."""

    def __init__(self, settings: Settings) -> None:
        self.neo4j = _neo4j(settings)
        self._opensearch_limiter = ConnectionLimiter("OpenSearch", settings.pool_size)
        self.opensearch = _opensearch(settings, self._opensearch_limiter)
        self._redis_pool = _redis_pool(settings)
        self.redis = Redis.from_pool(self._redis_pool)
        redis = settings.redis.get_secret_value()
        self.pools = (
            Pool("neo4j", "Neo4j", without_password(settings.neo4j), self._look_neo4j, self._ping_neo4j),
            Pool(
                "opensearch",
                "OpenSearch",
                without_password(settings.opensearch),
                self._look_opensearch,
                self._ping_opensearch,
            ),
            # A cache that is away costs time, not the answer.
            Pool("redis", "Redis", without_password(redis), self._look_redis, self._ping_redis, needed=False),
        )

    async def close(self) -> None:
        """Close every pool, whatever the others do."""
        await asyncio.gather(self.neo4j.close(), self.opensearch.close(), self.redis.aclose(), return_exceptions=True)

    async def _ping_neo4j(self) -> None:
        await alone(self.neo4j, "RETURN 1")

    async def _ping_opensearch(self) -> None:
        with faults():
            await self.opensearch.info()

    async def _ping_redis(self) -> None:
        try:
            await self.redis.ping()
        except RedisError as error:
            raise StoreUnavailableError(f"Redis does not answer: {error}") from error

    def _look_neo4j(self) -> PoolStats:
        return _stats(self.neo4j.limiter, self.neo4j.idle)

    def _look_opensearch(self) -> PoolStats:
        # aiohttp does not tell what it holds idle: its traces tell of connections that are made and used again, not of
        # those that are closed. Nor does opensearch-py take a connector of ours. This looks, and finds nothing where a
        # release changed that.
        sessions = [getattr(one, "session", None) for one in self.opensearch.transport.connection_pool.connections]
        held = [getattr(session.connector, "_conns", {}) for session in sessions if session is not None]
        return _stats(self._opensearch_limiter, sum(len(own) for of_host in held for own in of_host.values()))

    def _look_redis(self) -> PoolStats:
        return _stats(self._redis_pool.limiter, self._redis_pool.idle)


def _stats(limiter: ConnectionLimiter, idle: int) -> PoolStats:
    return PoolStats(
        total_connections=limiter.active + idle,
        active_connections=limiter.active,
        idle_connections=idle,
        pending_requests=limiter.use.waiting,
        limit=limiter.limit,
        acquired=limiter.use.acquired,
        failures=limiter.use.failures,
    )


def _neo4j(settings: Settings) -> Neo4jDriver:
    password = settings.neo4j_password
    if password is None:
        return open_driver(settings.neo4j, connections=settings.pool_size)
    return open_driver(settings.neo4j, settings.neo4j_user, password.get_secret_value(), connections=settings.pool_size)


def _opensearch(settings: Settings, limiter: ConnectionLimiter) -> AsyncOpenSearch:
    user, password = settings.opensearch_user, settings.opensearch_password
    return AsyncOpenSearch(
        settings.opensearch,
        http_auth=(user, password.get_secret_value()) if user is not None and password is not None else None,
        connection_class=GuardedConnection,
        limiter=limiter,
        guard=guard(),
        pool_maxsize=settings.pool_size,
        timeout=REQUEST_LIMIT_S,
        max_retries=0,
        ssl_context=ssl.create_default_context(cafile=str(settings.opensearch_ca)) if settings.opensearch_ca else None,
    )


class LimitedPool(ConnectionPool):
    """Redis's connections behind a limiter, each made anew after RECYCLE_S."""

    def __init__(self, *, max_connections: int, **options: Any) -> None:
        super().__init__(max_connections=max_connections, **options)
        self.limiter = ConnectionLimiter("Redis", max_connections)
        self._made: WeakKeyDictionary[AbstractConnection, float] = WeakKeyDictionary()
        self._given: set[AbstractConnection] = set()

    @property
    def idle(self) -> int:
        """Connections that nobody uses now."""
        return sum(connection.is_connected for connection in self._made if connection not in self._given)

    def make_connection(self) -> AbstractConnection:
        """As the driver does it."""
        connection: AbstractConnection = super().make_connection()  # type: ignore[no-untyped-call]
        self._made[connection] = time.monotonic()
        return connection

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """As the driver does it; an old one is connected again."""
        if time.monotonic() - self._made[connection] > RECYCLE_S:
            await connection.disconnect()
            self._made[connection] = time.monotonic()
        await super().ensure_connection(connection)

    async def get_connection(self, *arguments: Any, **options: Any) -> AbstractConnection:
        """As the driver does it. Raises StoreUnavailableError when no connection was free in time."""
        await self.limiter.enter()
        try:
            connection: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self.limiter.use.failures += 1
            self.limiter.leave()
            raise
        self._given.add(connection)
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """As the driver does it, which also gives back in this way what it could not connect."""
        given = connection in self._given
        self._given.discard(connection)
        # A command that fails closes its connection.
        self.limiter.use.failures += given and not connection.is_connected
        try:
            await super().release(connection)
        finally:
            if given:
                self.limiter.leave()


def _redis_pool(settings: Settings) -> LimitedPool:
    return LimitedPool.from_url(
        settings.redis.get_secret_value(),
        max_connections=settings.pool_size,
        socket_timeout=REQUEST_LIMIT_S,
        socket_connect_timeout=CONNECT_LIMIT_S,
        health_check_interval=30,
    )
