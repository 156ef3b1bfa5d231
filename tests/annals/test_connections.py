"""Pools: how they fare is told as it is, a busy one and a server that is away among them; credentials are whole."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import AsyncOpenSearch

from annals.composition.connections import ConnectionManager, open_connections
from annals.errors import WrongSettingError
from annals.settings import load_settings
from eventstore.errors import StoreUnavailableError
from eventstore.pool import acquire
from projections.connection_limiter import ConnectionLimiter
from projections.vector.opensearch.client import faults
from services.operations.health import PoolHealthReport, PoolStats, report_pools, summary
from tests.annals.pipeline import annals
from tests.conftest import PostgresServer

POOL_SIZE = 2


@pytest.fixture
async def connections(dsn: str, tmp_path: Path) -> AsyncIterator[ConnectionManager]:
    async with open_connections(load_settings(data=tmp_path, pool_size=POOL_SIZE), dsn) as opened:
        yield opened


async def test_pools_say_how_they_fare(connections: ConnectionManager) -> None:
    report = await connections.monitor_pool_health()
    assert report.overall_health == "healthy"
    assert set(report.pool_stats) == {"postgres", "log"}
    assert [stats.limit for stats in report.pool_stats.values()] == [POOL_SIZE, 4]
    for stats in report.pool_stats.values():
        assert stats.acquired > 0
        assert stats.failures == 0
        assert stats.total_connections == stats.active_connections + stats.idle_connections >= 1
        assert stats.answer_ms is not None


async def test_a_pool_in_use_says_who_has_and_who_waits(connections: ConnectionManager) -> None:
    async def one() -> None:
        async with acquire(connections.postgres):
            pass

    with connections.log.datastore.get_connection():
        async with acquire(connections.postgres), acquire(connections.postgres):
            waiting = asyncio.create_task(one())
            await asyncio.sleep(0)
            report = await connections.monitor_pool_health(0.2)
    await waiting
    postgres, log = report.pool_stats["postgres"], report.pool_stats["log"]
    assert (postgres.active_connections, postgres.idle_connections, postgres.pending_requests) == (POOL_SIZE, 0, 1)
    assert postgres.error == "gave no connection within 0.2 s"
    assert (postgres.health, report.overall_health) == ("degraded", "degraded")
    assert log.active_connections >= 1
    assert (await connections.monitor_pool_health()).overall_health == "healthy"


async def test_a_server_that_is_away_is_down_in_the_report(
    postgres_server: PostgresServer, connections: ConnectionManager
) -> None:
    await connections.monitor_pool_health()
    postgres_server.kill()
    try:
        report = await connections.monitor_pool_health()
        assert report.overall_health == "down"
        for stats in report.pool_stats.values():
            assert stats.health == "down"
            assert stats.error is not None and stats.error.startswith("does not answer")
            assert stats.failures > 0
        with pytest.raises(StoreUnavailableError, match=r"PostgreSQL at postgresql://\S+/test_\d+\S+ does not answer"):
            await connections.check()
    finally:
        await asyncio.to_thread(postgres_server.start)
    # Nothing above it was restarted: the pools connect again by themselves.
    assert (await connections.monitor_pool_health()).overall_health == "healthy"
    await connections.check()


async def test_a_limiter_lets_in_as_many_as_there_are_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.connection_limiter.ACQUIRE_LIMIT_S", 0.05)
    limiter = ConnectionLimiter("Neo4j", 1)
    async with limiter.passing():
        with pytest.raises(StoreUnavailableError, match=r"Neo4j gave no connection within 0\.05 s: all 1 are in use"):
            await limiter.enter()
        next_one = asyncio.create_task(limiter.enter())
        await asyncio.sleep(0)
        assert (limiter.active, limiter.use.waiting) == (1, 1)
    await next_one
    assert (limiter.active, limiter.use.waiting, limiter.use.acquired, limiter.use.failures) == (1, 0, 2, 1)
    gone = asyncio.create_task(limiter.enter())
    await asyncio.sleep(0)
    gone.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await gone
    limiter.leave()
    assert (limiter.active, limiter.use.waiting) == (0, 0)


def stats(active: int = 1, waiting: int = 0, answer_ms: float | None = 2.0, error: str | None = None) -> PoolStats:
    return PoolStats(active, active, 0, waiting, 8, 5, 0, answer_ms, error)


def report(**pools: PoolStats) -> PoolHealthReport:
    return PoolHealthReport(datetime.now(UTC), pools)


def test_a_report_is_as_its_worst_pool() -> None:
    down = stats(answer_ms=None, error="does not answer: refused")
    assert report(postgres=stats()).overall_health == "healthy"
    assert report(postgres=stats(), redis=stats(waiting=3)).overall_health == "degraded"
    assert report(postgres=stats(), redis=stats(waiting=3), neo4j=down).overall_health == "down"
    assert stats(active=8, answer_ms=None, error="gave no connection within 5 s").health == "degraded"


def test_the_log_hears_of_pools_that_are_not_well() -> None:
    level, line = summary(report(postgres=stats()))
    assert (level, line) == (logging.DEBUG, "pools: postgres healthy (1 of 8 in use, 0 waiting, 0 failures)")
    level, line = summary(report(postgres=stats(), neo4j=stats(0, 2, None, "does not answer: refused")))
    assert level == logging.INFO
    assert line.endswith("; neo4j down, does not answer: refused (0 of 8 in use, 2 waiting, 0 failures)")


async def test_a_role_reports_at_once_and_then_every_minute(caplog: pytest.LogCaptureFixture) -> None:
    async def check() -> PoolHealthReport:
        return report(redis=stats(waiting=1))

    with caplog.at_level(logging.INFO):
        reports = asyncio.create_task(report_pools(check))
        for _ in range(5):
            await asyncio.sleep(0)
        reports.cancel()
    assert [record.getMessage() for record in caplog.records if "pools" in record.name + record.getMessage()] == [
        "pools: redis degraded (1 of 8 in use, 1 waiting, 0 failures)"
    ]


class _Refusing(BaseHTTPRequestHandler):
    status = 401

    def do_GET(self) -> None:
        body = b'{"error": {"type": "security_exception", "reason": "no", "root_cause": [{"reason": "no"}]}}'
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def refusing() -> Iterator[str]:
    """An OpenSearch that refuses everybody's login."""
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_login_is_no_fault_of_the_events(
    refusing: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Refusing, "status", status)
    async with AsyncOpenSearch(refusing) as client:
        with pytest.raises(StoreUnavailableError, match=f"OpenSearch refuses the login: .*{status}"), faults():
            await client.info()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"opensearch_password": "x"}, ("opensearch_password", "opensearch_user")),
        ({"opensearch_user": "annals"}, ("opensearch_password", "opensearch_user")),
        ({"neo4j_user": "", "neo4j_password": "x"}, ("neo4j_password", "neo4j_user")),
        ({"postgres": "postgresql://db/annals?sslmode=require&connect_timeout=5"}, ("postgres", "connect_timeout")),
        ({"postgres": "postgresql://db/annals?search_path=x"}, ("postgres", "search_path")),
    ],
)
def test_half_of_a_login_and_a_dsn_for_one_driver_are_refused(
    tmp_path: Path, options: dict[str, Any], named: tuple[str, ...]
) -> None:
    with pytest.raises(WrongSettingError) as caught:
        load_settings(data=tmp_path, **options)
    line = str(caught.value)
    assert all(name in line for name in named) and "\n" not in line


def test_a_whole_login_is_taken(tmp_path: Path) -> None:
    dsn = "postgresql://db/annals?sslmode=verify-full&sslrootcert=/ca.pem&target_session_attrs=read-write"
    settings = load_settings(data=tmp_path, opensearch_user="annals", opensearch_password="x", postgres=dsn)
    assert settings.opensearch_user == "annals"


def test_a_session_names_every_server_that_is_away_without_password(dsn: str, tmp_path: Path) -> None:
    env = {
        "ANNALS_PROFILE": "servers",
        "ANNALS_POSTGRES": dsn,
        "ANNALS_BROKER": "127.0.0.1:9",
        "ANNALS_NEO4J": "bolt://127.0.0.1:9",
        "ANNALS_OPENSEARCH": "http://annals:secret@127.0.0.1:9",
        "ANNALS_REDIS": "redis://:secret@127.0.0.1:9/0",
    }
    for command in (["search", "harbour"], ["run", "projector"]):
        refused = annals(tmp_path, *command, env=env, check=False)
        assert refused.returncode == 1
        line, *others = refused.stderr.splitlines()
        assert not others, refused.stderr
        assert line.startswith("Error: Neo4j at bolt://127.0.0.1:9 does not answer: ")
        assert "; OpenSearch at http://annals@127.0.0.1:9 does not answer: " in line
        assert "secret" not in line and "Redis" not in line
