"""The pools of the servers profile: bounded, counted, and whole again when a killed server is back."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from annals.composition.connections import ConnectionManager, open_connections
from annals.settings import load_settings
from eventstore.errors import StoreUnavailableError
from projections.graph.neo4j.connection import transaction
from services.operations.health import PoolStats
from tests.servers.handles import Server
from tests.servers.profile import options_of, settings_of

POOL_SIZE = 2
LONG_S = 1.5

Use = Callable[[ConnectionManager], Awaitable[object]]


@pytest.fixture
async def connections(
    dsn: str,
    kafka: str,
    neo4j_uri: str,
    neo4j_auth: tuple[str, str] | None,
    opensearch_url: str,
    redis_url: str,
    tmp_path: Path,
) -> AsyncIterator[ConnectionManager]:
    env = settings_of(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)
    settings = load_settings(data=tmp_path, pool_size=POOL_SIZE, **options_of(env))
    async with open_connections(settings, dsn) as opened:
        yield opened


async def _neo4j(connections: ConnectionManager) -> None:
    """Hold a connection for LONG_S."""
    assert connections.servers is not None
    async with transaction(connections.servers.neo4j) as tx:
        await (await tx.run("RETURN 1")).consume()
        await asyncio.sleep(LONG_S)


async def _opensearch(connections: ConnectionManager) -> None:
    """Wait LONG_S for an index that never comes."""
    assert connections.servers is not None
    params = {"wait_for_status": "green", "timeout": f"{LONG_S * 1000:.0f}ms", "request_timeout": 30, "ignore": 408}
    await connections.servers.opensearch.cluster.health(index="annals-nowhere", params=params)


async def _redis(connections: ConnectionManager) -> None:
    """Wait LONG_S for a list that stays empty."""
    assert connections.servers is not None
    await connections.servers.redis.blpop(["annals:test:nothing"], timeout=LONG_S)


USES = {"neo4j": _neo4j, "opensearch": _opensearch, "redis": _redis}


async def pool_of(connections: ConnectionManager, name: str, limit_s: float = 30) -> PoolStats:
    return (await connections.monitor_pool_health(limit_s)).pool_stats[name]


@pytest.mark.parametrize("name", USES)
async def test_a_pool_is_bounded_and_says_who_has_and_who_waits(connections: ConnectionManager, name: str) -> None:
    before = await pool_of(connections, name)
    assert (before.active_connections, before.idle_connections, before.pending_requests) == (0, 1, 0)
    uses = [asyncio.create_task(USES[name](connections)) for _ in range(POOL_SIZE + 1)]
    await asyncio.sleep(LONG_S / 3)
    busy = await pool_of(connections, name, 0.1)
    assert (busy.active_connections, busy.pending_requests, busy.limit) == (POOL_SIZE, 1, POOL_SIZE)
    assert (busy.health, busy.error) == ("degraded", "gave no connection within 0.1 s")
    await asyncio.gather(*uses)
    after = await pool_of(connections, name)
    assert after.health == "healthy"
    assert (after.active_connections, after.idle_connections, after.pending_requests) == (0, POOL_SIZE, 0)
    assert after.acquired == before.acquired + POOL_SIZE + 2, "the uses, and the last check"
    assert after.failures == 0


@pytest.mark.parametrize("name", USES)
async def test_who_waits_too_long_is_told_whose_connection_it_was(
    connections: ConnectionManager, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connections.monitor_pool_health(30)
    uses = [asyncio.create_task(USES[name](connections)) for _ in range(POOL_SIZE)]
    await asyncio.sleep(LONG_S / 3)
    monkeypatch.setattr("projections.connection_limiter.ACQUIRE_LIMIT_S", 0.1)
    with pytest.raises(StoreUnavailableError, match=rf"(?i){name} gave no connection within 0\.1 s: all 2 are in use"):
        await USES[name](connections)
    await asyncio.gather(*uses)
    assert (await pool_of(connections, name)).failures == 1


async def test_killed_servers_are_down_and_come_back_to_the_same_manager(
    connections: ConnectionManager, neo4j_server: Server, opensearch_server: Server, redis_server: Server
) -> None:
    await connections.check()
    for server in (neo4j_server, opensearch_server, redis_server):
        name = server.name.lower()
        using = [asyncio.create_task(USES[name](connections)) for _ in range(POOL_SIZE)]
        await asyncio.sleep(LONG_S / 3)
        server.kill()
        await asyncio.gather(*using, return_exceptions=True)
        report = await connections.monitor_pool_health()
        stats = report.pool_stats[name]
        assert (stats.health, report.overall_health) == ("down", "down")
        assert stats.error is not None and stats.error.startswith("does not answer")
        assert stats.active_connections == 0
        # Whoever had a connection then, and the check.
        assert stats.failures >= POOL_SIZE
        if server is redis_server:
            await connections.check()
        else:
            with pytest.raises(
                StoreUnavailableError, match=f"^{server.name} at [a-z]+://127.0.0.1:[0-9]+ does not answer"
            ):
                await connections.check()
        await asyncio.to_thread(server.start)
        report = await connections.monitor_pool_health(30)
        assert report.pool_stats[name].health == "healthy", report.pool_stats[name]
        assert report.overall_health == "healthy"


async def test_a_redis_connection_is_made_anew_when_it_is_old(
    connections: ConnectionManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connections.servers is not None
    redis = connections.servers.redis
    first = await redis.client_id()
    assert await redis.client_id() == first
    monkeypatch.setattr("annals.composition.servers.RECYCLE_S", 0)
    assert await redis.client_id() != first
