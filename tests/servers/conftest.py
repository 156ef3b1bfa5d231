"""Fixtures: each server starts when the first test asks for it, and ends with the run.

They are at the addresses in ANNALS_TEST_KAFKA, ANNALS_TEST_NEO4J, ANNALS_TEST_OPENSEARCH and ANNALS_TEST_REDIS. Where
there is none and ANNALS_TEST_SERVERS=1 asks for them, they come from Docker, else from packages that Maven and Debian
publish. Neo4j's address holds its user and password: bolt://user:password@host:port.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.handles import Server
from tests.servers.kafka import KAFKA
from tests.servers.neo4j import NEO4J, without_credentials
from tests.servers.opensearch import OPENSEARCH
from tests.servers.packages import MissingError
from tests.servers.redis import REDIS
from tests.servers.ways import WANTED, Recipe, start, wanted

# The first test of a run may have to wait for downloads.
TIMEOUT_S = 1500


FIXTURES = {"_kafka": KAFKA, "_neo4j": NEO4J, "_opensearch": OPENSEARCH, "_redis": REDIS}
HOW_TO_ASK = f"`make test-servers` ({WANTED}=1) tests against real Kafka, Neo4j, OpenSearch and Redis"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of this folder that nobody asked for, and give the others the time that a first start takes."""
    for item in items:
        if not isinstance(item, pytest.Function) or not item.path.is_relative_to(Path(__file__).parent):
            continue
        if not all(wanted(FIXTURES[name]) for name in item.fixturenames if name in FIXTURES):
            item.add_marker(pytest.mark.skip(reason=HOW_TO_ASK))
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S))


@contextmanager
def _running(recipe: Recipe, config: pytest.Config) -> Iterator[Server]:
    """The server, ended afterwards; the tests are skipped where the machine cannot have it."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None

    def say(line: str) -> None:
        # A first start takes minutes: whoever waits wants to know now, not in the report of a failed test.
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", end="", file=sys.stderr, flush=True)

    try:
        server = start(recipe, say)
    except MissingError as reason:
        pytest.skip(str(reason))
    try:
        yield server
    finally:
        server.close()


def _back(server: Server) -> Iterator[Server]:
    yield server
    if not server.alive():
        server.start()


@pytest.fixture(scope="session")
def _kafka(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(KAFKA, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _neo4j(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(NEO4J, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _opensearch(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(OPENSEARCH, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _redis(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(REDIS, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def kafka(_kafka: Server) -> str:
    """Bootstrap address."""
    return _kafka.address


@pytest.fixture(scope="session")
def neo4j_uri(_neo4j: Server) -> str:
    """Address for drivers, without credentials."""
    return without_credentials(_neo4j.address)[0]


@pytest.fixture(scope="session")
def neo4j_auth(_neo4j: Server) -> tuple[str, str] | None:
    """User and password; None where the server wants none."""
    return without_credentials(_neo4j.address)[1]


@pytest.fixture(scope="session")
def opensearch_url(_opensearch: Server) -> str:
    """Address over HTTP."""
    return _opensearch.address


@pytest.fixture(scope="session")
def redis_url(_redis: Server) -> str:
    """Address with the number of the database."""
    return _redis.address


@pytest.fixture
def kafka_server(_kafka: Server) -> Iterator[Server]:
    """For tests that kill it. It runs again afterwards, whatever the test did."""
    yield from _back(_kafka)


@pytest.fixture
def neo4j_server(_neo4j: Server) -> Iterator[Server]:
    """For tests that kill it. It runs again afterwards, whatever the test did."""
    yield from _back(_neo4j)


@pytest.fixture
def opensearch_server(_opensearch: Server) -> Iterator[Server]:
    """For tests that kill it. It runs again afterwards, whatever the test did."""
    yield from _back(_opensearch)


@pytest.fixture
def redis_server(_redis: Server) -> Iterator[Server]:
    """For tests that kill it. It runs again afterwards, whatever the test did."""
    yield from _back(_redis)
