"""`annals status` with one of the servers dead: the others are shown, and that one is named with what to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.operations.advice import CURES
from tests.annals.pipeline import annals
from tests.servers.handles import Server

SERVERS = ("kafka", "neo4j", "opensearch", "redis")


@pytest.fixture
def env(empty_env: dict[str, str], postgres_dsn: str) -> dict[str, str]:
    """Everything by address."""
    return {**empty_env, "ANNALS_POSTGRES": postgres_dsn}


@pytest.fixture
def servers(
    kafka_server: Server, neo4j_server: Server, opensearch_server: Server, redis_server: Server
) -> Iterator[dict[str, Server]]:
    yield dict(zip(SERVERS, (kafka_server, neo4j_server, opensearch_server, redis_server), strict=True))


def status(data: Path, env: dict[str, str], exit_code: int) -> dict[str, Any]:
    """As --json gives it."""
    done = annals(data, "status", "--json", env=env, check=False)
    assert done.returncode == exit_code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.stderr.splitlines() == []
    return found


def test_each_server_may_be_dead(env: dict[str, str], servers: dict[str, Server], tmp_path: Path) -> None:
    article = tmp_path / "article.md"
    article.write_text("# Here\n\nThis is here.")
    annals(tmp_path, "ingest", str(article), env=env)
    well = status(tmp_path, env, 0)
    assert well["unknown"] == {} and well["position"] > 0
    for name in SERVERS:
        servers[name].kill()
        found = status(tmp_path, env, 1)
        store = {"neo4j": {"graph"}, "opensearch": {"vector"}}.get(name, set())
        assert set(found["unknown"]) == {name, *store}
        assert (found["documents"], found["position"]) == (well["documents"], well["position"])
        # Other lines speak of the pipeline, which stands still meanwhile.
        assert [other for other, cure in CURES.items() if cure in found["advice"]] == [name]
        health = {other: stats["health"] for other, stats in {**found["databases"], "kafka": found["kafka"]}.items()}
        assert {other for other, state in health.items() if state == "down"} == {name}
        servers[name].start()
    assert status(tmp_path, env, 0)["unknown"] == {}


def test_without_postgres_the_others_are_shown(env: dict[str, str], servers: dict[str, Server], tmp_path: Path) -> None:
    found = status(tmp_path, {**env, "ANNALS_POSTGRES": "postgresql://127.0.0.1:1/none"}, 1)
    assert set(found["unknown"]) == {"postgres"}
    assert all(found["databases"][name]["health"] == "healthy" for name in ("neo4j", "opensearch", "redis"))
    assert found["kafka"]["health"] == "healthy"
