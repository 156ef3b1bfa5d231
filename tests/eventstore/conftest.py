"""What the event store's tests share."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.pool import open_pool


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[asyncpg.Pool]:
    """The process's pool."""
    opened = await open_pool(dsn)
    yield opened
    await opened.close()
