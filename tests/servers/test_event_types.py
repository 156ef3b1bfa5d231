"""Every event type of the specification, with the read models in Neo4j, OpenSearch and Redis."""

from collections.abc import Iterator

import pytest

from tests.annals.event_types_contract import EventTypesContract, Installed, installed_with
from tests.servers.profile import settings_of, wipe


@pytest.fixture(scope="module")
def installed(
    tmp_path_factory: pytest.TempPathFactory,
    kafka: str,
    neo4j_uri: str,
    neo4j_auth: tuple[str, str] | None,
    opensearch_url: str,
    redis_url: str,
) -> Iterator[Installed]:
    wipe(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)
    env = settings_of(kafka=kafka, neo4j=neo4j_uri, neo4j_auth=neo4j_auth, opensearch=opensearch_url, redis=redis_url)
    with installed_with(tmp_path_factory.mktemp("events"), env) as one:
        yield one


class TestServers(EventTypesContract):
    """On these."""
