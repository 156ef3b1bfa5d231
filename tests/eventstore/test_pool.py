"""Connections for a short while: who is at fault is said rightly, and a name is held by one at a time."""

import asyncpg
import pytest

from eventstore.errors import StoreUnavailableError
from eventstore.pool import HeldError, acquire, holding


class SwitchedError(StoreUnavailableError):
    """What a caller within the block knows better."""


async def test_what_the_block_says_of_a_store_is_not_said_again_in_other_words(pool: asyncpg.Pool) -> None:
    with pytest.raises(SwitchedError, match="it was replaced"):
        async with acquire(pool):
            raise SwitchedError("it was replaced")


async def test_a_name_is_held_by_one_at_a_time(pool: asyncpg.Pool) -> None:
    async with holding(pool, "graph"):
        with pytest.raises(HeldError):
            async with holding(pool, "graph"):
                raise AssertionError("held twice")
        async with holding(pool, "vector"):
            pass
    async with holding(pool, "graph"):
        pass


async def test_a_holder_that_fails_holds_no_longer(pool: asyncpg.Pool) -> None:
    with pytest.raises(ZeroDivisionError):
        async with holding(pool, "graph"):
            raise ZeroDivisionError
    async with holding(pool, "graph"):
        pass
