"""Connections for a short while: who is at fault is said rightly."""

import pytest

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool, acquire, open_pool


class SwitchedError(StoreUnavailableError):
    """What a caller within the block knows better."""


async def test_what_the_block_says_of_a_store_is_not_said_again_in_other_words(pool: PostgresPool) -> None:
    with pytest.raises(SwitchedError, match="it was replaced"):
        async with acquire(pool):
            raise SwitchedError("it was replaced")


async def test_a_connection_goes_back_without_a_question_and_without_a_transaction(dsn: str) -> None:
    pool = await open_pool(dsn, max_size=1)
    asked: list[str] = []
    async with acquire(pool) as connection:
        connection.add_query_logger(lambda record: asked.append(record.query))
        await connection.execute("BEGIN; CREATE TABLE annals.left_open ()")
    async with acquire(pool) as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SELECT to_regclass('annals.left_open')") is None
    assert not [query for query in asked if "RESET" in query or "UNLISTEN" in query]
    await pool.close()
