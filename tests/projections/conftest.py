"""An event store with histories, and the three read models over it."""

from collections.abc import AsyncIterator

import pytest

from tests.projections.history import History, open_history


@pytest.fixture
async def history(dsn: str) -> AsyncIterator[History]:
    """A log in which nothing happened yet."""
    async with open_history(dsn) as opened:
        yield opened
