"""The servers profile's own databases: Neo4j, OpenSearch and Redis, each with a bounded pool of its driver's."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from neo4j import AsyncDriver
from opensearchpy import AsyncOpenSearch
from redis.asyncio import BlockingConnectionPool, Redis

from annals.settings import Settings
from eventstore.pool import ACQUIRE_LIMIT_S
from projections.graph.neo4j.connection import open_driver

CONNECT_LIMIT_S = 5.0
REQUEST_LIMIT_S = 30.0


@dataclass(frozen=True)
class Server:
    """One of them, as the health report sees it. `counts`: connections in use, idle, and who waits for one."""

    name: str
    limit: int
    ping: Callable[[], Awaitable[object]]
    counts: Callable[[], tuple[int, int, int]]


class Servers:
    """Nothing is connected before it is used, and what broke is connected again by its driver."""

    def __init__(self, settings: Settings) -> None:
        self.neo4j = _neo4j(settings)
        self.opensearch = _opensearch(settings)
        self.redis = _redis(settings)
        limit = settings.pool_size
        self.all = (
            Server("neo4j", limit, self.neo4j.verify_connectivity, lambda: _of_neo4j(self.neo4j)),
            Server("opensearch", limit, self.opensearch.info, lambda: _of_opensearch(self.opensearch)),
            Server("redis", limit, self._ping_redis, lambda: _of_redis(self.redis)),
        )

    async def close(self) -> None:
        """Close every pool, whatever the others do."""
        await asyncio.gather(self.neo4j.close(), self.opensearch.close(), self.redis.aclose(), return_exceptions=True)

    async def _ping_redis(self) -> object:
        return await self.redis.ping()


def _neo4j(settings: Settings) -> AsyncDriver:
    password = settings.neo4j_password
    if password is None:
        return open_driver(settings.neo4j, connections=settings.pool_size)
    return open_driver(settings.neo4j, settings.neo4j_user, password.get_secret_value(), connections=settings.pool_size)


def _opensearch(settings: Settings) -> AsyncOpenSearch:
    password = settings.opensearch_password
    return AsyncOpenSearch(
        settings.opensearch,
        http_auth=(settings.opensearch_user, password.get_secret_value()) if password is not None else None,
        pool_maxsize=settings.pool_size,
        timeout=REQUEST_LIMIT_S,
        max_retries=0,
        ssl_context=ssl.create_default_context(cafile=str(settings.opensearch_ca)) if settings.opensearch_ca else None,
    )


def _redis(settings: Settings) -> Redis:
    pool = BlockingConnectionPool.from_url(
        settings.redis.get_secret_value(),
        max_connections=settings.pool_size,
        timeout=ACQUIRE_LIMIT_S,
        socket_timeout=REQUEST_LIMIT_S,
        socket_connect_timeout=CONNECT_LIMIT_S,
        health_check_interval=30,
    )
    return Redis.from_pool(pool)


# The drivers tell nobody how many connections they hold; these look, and find nothing where a release changed that.
def _of_neo4j(driver: AsyncDriver) -> tuple[int, int, int]:
    held: Any = getattr(getattr(driver, "_pool", None), "connections", {})
    connections = [connection for of_address in held.values() for connection in of_address]
    active = sum(bool(getattr(connection, "in_use", False)) for connection in connections)
    return active, len(connections) - active, 0


def _of_opensearch(client: AsyncOpenSearch) -> tuple[int, int, int]:
    connections: Any = getattr(client.transport.connection_pool, "connections", [])
    connectors = [session.connector for one in connections if (session := getattr(one, "session", None)) is not None]
    active = sum(len(getattr(connector, "_acquired", ())) for connector in connectors)
    idle = sum(len(own) for connector in connectors for own in getattr(connector, "_conns", {}).values())
    waiting = sum(len(own) for connector in connectors for own in getattr(connector, "_waiters", {}).values())
    return active, idle, waiting


def _of_redis(client: Redis) -> tuple[int, int, int]:
    pool: Any = client.connection_pool
    held = [one for one in getattr(getattr(pool, "pool", None), "_queue", ()) if one is not None]
    return max(0, len(getattr(pool, "_connections", ())) - len(held)), len(held), 0
