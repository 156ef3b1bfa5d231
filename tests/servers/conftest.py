"""Fixtures: each server starts when the first test asks for it, and ends with the run.

They are at the addresses in ANNALS_TEST_KAFKA, ANNALS_TEST_NEO4J, ANNALS_TEST_OPENSEARCH, ANNALS_TEST_REDIS and
ANNALS_TEST_POSTGRES. Where there is none and ANNALS_TEST_SERVERS=1 asks for them, they come from Docker, else from
packages that Maven, Debian and PyPI publish. The README says what the addresses look like.
"""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from opensearchpy import AsyncOpenSearch

from projections.graph.neo4j.connection import Neo4jDriver, alone, open_driver
from projections.vector.opensearch.live import LiveOpenSearchVectorStore
from tests.servers import given
from tests.servers.handles import GivenServer, Server
from tests.servers.kafka import KAFKA
from tests.servers.neo4j import NEO4J, without_credentials
from tests.servers.opensearch import OPENSEARCH
from tests.servers.packages import MissingError
from tests.servers.postgres import POSTGRES, execute, of_database
from tests.servers.profile import settings_of, wipe, wipe_kafka
from tests.servers.redis import REDIS
from tests.servers.ways import WANTED, Recipe, start, wanted

# The first test of a run may have to wait for downloads.
TIMEOUT_S = 1500
LIMIT_S = 30.0


FIXTURES = {"_kafka": KAFKA, "_neo4j": NEO4J, "_opensearch": OPENSEARCH, "_redis": REDIS, "_postgres": POSTGRES}
HOW_TO_ASK = f"`make test-servers` ({WANTED}=1) tests against real Kafka, Neo4j, OpenSearch, Redis and PostgreSQL"


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
def _running(recipe: Recipe, contents: given.Contents, config: pytest.Config) -> Iterator[Server]:
    """The server, ended afterwards; the tests fail where the machine cannot have it.

    One that was given and holds something ends the whole run, before anything of it is deleted.
    """
    capture = config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None

    def say(line: str) -> None:
        # A first start takes minutes: whoever waits wants to know now, not in the report of a failed test.
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", end="", file=sys.stderr, flush=True)

    try:
        server = start(recipe, say)
    except MissingError as reason:
        pytest.fail(str(reason), pytrace=False)
    try:
        if isinstance(server, GivenServer):
            refused = given.refusal(recipe.name, recipe.variable, contents(server.address), os.environ)
            if refused is not None:
                pytest.exit(refused, pytest.ExitCode.USAGE_ERROR)
        yield server
    finally:
        server.close()


def _back(server: Server) -> Iterator[Server]:
    yield server
    if not server.alive():
        server.start()


@pytest.fixture(scope="session")
def _kafka(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(KAFKA, given.of_kafka, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _neo4j(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(NEO4J, given.of_neo4j, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _opensearch(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(OPENSEARCH, given.of_opensearch, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _redis(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(REDIS, given.of_redis, pytestconfig) as server:
        yield server


@pytest.fixture(scope="session")
def _postgres(pytestconfig: pytest.Config) -> Iterator[Server]:
    with _running(POSTGRES, given.of_postgres, pytestconfig) as server:
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


@pytest.fixture
async def graph_driver(neo4j_uri: str, neo4j_auth: tuple[str, str] | None) -> AsyncIterator[Neo4jDriver]:
    """A driver for Neo4j, in which nothing is."""
    async with open_driver(neo4j_uri, *(neo4j_auth or ())) as driver:
        await alone(driver, "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS")
        yield driver


@pytest.fixture(scope="session")
def opensearch_url(_opensearch: Server) -> str:
    """Address over HTTP."""
    return _opensearch.address


@pytest.fixture
async def store(opensearch_url: str) -> AsyncIterator[LiveOpenSearchVectorStore]:
    """The store of passages in OpenSearch, open and empty, under a name of its own."""
    async with AsyncOpenSearch(opensearch_url, timeout=30, max_retries=0) as client:
        opened = LiveOpenSearchVectorStore(client, f"test-{uuid4().hex[:8]}")
        await opened.open()
        yield opened
        await client.indices.delete(index=f"{opened.name}-*")
        await client.indices.delete_index_template(name=opened.name)


@pytest.fixture(scope="session")
def redis_url(_redis: Server) -> str:
    """Address with the number of the database."""
    return _redis.address


@pytest.fixture
def postgres_dsn(_postgres: Server) -> Iterator[str]:
    """Address of an empty database of this test's own, with user and password."""
    name = f"annals_test_{uuid4().hex[:8]}"
    execute(_postgres.address, f"CREATE DATABASE {name}")
    yield of_database(_postgres.address, name)
    execute(_postgres.address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_server_address(_postgres: Server) -> str:
    """Address of the server's own database, for tests that make others."""
    return _postgres.address


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


@pytest.fixture
def name() -> str:
    """Nobody else's: the servers may be shared."""
    return f"test-{uuid4().hex}"


@pytest.fixture
def topic(kafka: str, name: str) -> Iterator[str]:
    """A topic of two partitions."""
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(name, 2, 1)])[name].result(LIMIT_S)
    yield name
    admin.delete_topics([name])[name].result(LIMIT_S)


@pytest.fixture
def empty_kafka(kafka: str) -> str:
    """Its address; it holds nothing of ours."""
    wipe_kafka(kafka)
    return kafka


@pytest.fixture
def empty_env(
    kafka: str, neo4j_uri: str, neo4j_auth: tuple[str, str] | None, opensearch_url: str, redis_url: str
) -> dict[str, str]:
    """Settings of the servers profile, on servers that hold nothing of ours."""
    wipe(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)
    return settings_of(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)
