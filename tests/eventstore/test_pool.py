"""Connections for a short while: who is at fault is said rightly."""

import pytest

from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool, acquire


class SwitchedError(StoreUnavailableError):
    """What a caller within the block knows better."""


async def test_what_the_block_says_of_a_store_is_not_said_again_in_other_words(pool: PostgresPool) -> None:
    with pytest.raises(SwitchedError, match="it was replaced"):
        async with acquire(pool):
            raise SwitchedError("it was replaced")
