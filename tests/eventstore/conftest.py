"""What the event store's tests share."""

from collections.abc import AsyncIterator

import pytest

from eventstore.pool import PostgresPool, open_pool


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[PostgresPool]:
    """The process's pool."""
    opened = await open_pool(dsn)
    yield opened
    await opened.close()
