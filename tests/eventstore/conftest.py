"""What the event store's tests share."""

from collections.abc import AsyncIterator

import pytest

from eventstore.pool import PostgresPool, open_pool
from tests.conftest import PostgresServer


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    """The process's pool."""
    opened = await open_pool(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def empty(postgres_server: PostgresServer) -> AsyncIterator[PostgresPool]:
    """Another database, empty."""
    postgres_server.execute("CREATE DATABASE other TEMPLATE annals")
    opened = await open_pool(postgres_server.dsn("other"))
    yield opened
    await opened.close()
    postgres_server.execute("DROP DATABASE other WITH (FORCE)")
