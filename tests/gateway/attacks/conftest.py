"""One gateway for all attacks: what it must not do it must not do after all the others either."""

from collections.abc import Iterator

import pytest

from annals.composition.use_cases import UseCases
from eventstore.dead_letters import DeadLetters
from tests.conftest import PostgresServer
from tests.gateway.attacks.attack import Target
from tests.gateway.real import Inside, RealGateway, database, furnish
from tests.projections.history import open_history


@pytest.fixture(scope="package")
def target(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Two tenants with documents, entities, questions, dead letters, users and keys."""
    with database(postgres_server, "attacked") as dsn:
        gateway = RealGateway.start(dsn, tmp_path_factory.mktemp("attacked"))
        inside = Inside(gateway.settings, dsn)
        try:

            async def furnished(use_cases: UseCases) -> dict[str, int]:
                async with open_history(dsn) as history:
                    return await furnish(use_cases, history, DeadLetters(history.pool))

            gateway.wait_for_models()
            yield Target(gateway, inside, inside.do(furnished))
        finally:
            inside.close()
            gateway.stop()
