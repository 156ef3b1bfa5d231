"""Waiting for what another connection to the database brings about."""

from tenacity import AsyncRetrying, stop_after_delay, wait_fixed

from tests.projections.history import History


async def eventually(history: History, query: str) -> None:
    """Until the query says something that is true."""
    async for attempt in AsyncRetrying(stop=stop_after_delay(30), wait=wait_fixed(0.01), reraise=True):
        with attempt:
            assert await history.pool.fetchval(query)
