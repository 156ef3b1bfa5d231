"""One gateway for all attacks: what it must not do it must not do after all the others either."""

from collections.abc import Iterator

import pytest

from tests.conftest import PostgresServer
from tests.gateway.attacks.attack import Target, open_target


@pytest.fixture(scope="package")
def target(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Two tenants with documents, entities, questions, dead letters, users and keys."""
    with open_target(postgres_server, "attacked", tmp_path_factory.mktemp("attacked")) as opened:
        yield opened
