"""Named locks: one holder at a time, who is told when the lock is lost; the pool is left alone."""

import asyncio

import pytest

from eventstore.locks import LockHeldError, LockLostError, holding
from eventstore.pool import PostgresPool, open_pool

_HOLDERS = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def test_a_name_is_held_by_one_at_a_time(dsn: str) -> None:
    async with holding(dsn, ["graph"]):
        with pytest.raises(LockHeldError, match="graph"):
            async with holding(dsn, ["answers", "graph"]):
                raise AssertionError("held twice")
        async with holding(dsn, ["vector", "answers"]):
            pass
    async with holding(dsn, ["graph", "vector"]):
        pass


async def test_a_holder_that_fails_holds_no_longer(dsn: str) -> None:
    with pytest.raises(ZeroDivisionError):
        async with holding(dsn, ["graph"]):
            raise ZeroDivisionError
    async with holding(dsn, ["graph"]):
        pass


async def test_many_names_take_nothing_from_the_pool(dsn: str) -> None:
    pool = await open_pool(dsn, max_size=1)
    try:
        async with holding(dsn, ["graph", "relational", "vector"]), asyncio.timeout(10):
            assert await pool.fetchval("SELECT 1") == 1
    finally:
        await pool.close()


async def test_a_cancelled_holder_holds_no_longer(dsn: str) -> None:
    held = asyncio.Event()

    async def hold() -> None:
        async with holding(dsn, ["graph"]):
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with holding(dsn, ["graph"]):
        pass


async def test_a_lost_lock_ends_the_work(dsn: str, pool: PostgresPool) -> None:
    """The block is cancelled wherever it is, and a check within it says the same."""
    with pytest.raises(LockLostError, match="start again"):
        async with holding(dsn, ["graph"]), asyncio.timeout(30):
            await lose(pool)
            await asyncio.Event().wait()


async def test_a_check_does_not_pass_once_the_lock_is_lost(dsn: str, pool: PostgresPool) -> None:
    with pytest.raises(LockLostError):
        async with holding(dsn, ["graph"]) as locks:
            await locks.check()
            await lose(pool)
            await locks.check()
            raise AssertionError("the check passed")


async def lose(pool: PostgresPool) -> None:
    """End the connections that hold a lock."""
    (holder,) = {row["pid"] for row in await pool.fetch(_HOLDERS)}
    await pool.execute("SELECT pg_terminate_backend($1)", holder)
