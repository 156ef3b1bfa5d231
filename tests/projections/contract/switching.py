"""A switch to one generation, as a replay makes it for several."""

from collections.abc import Awaitable, Callable

from eventstore.pool import PostgresPool, transaction
from projections.store import Generation

FORMER = "former"
"""The id of what was live, where only the registry would know it."""


async def nothing() -> None:
    """No event came since."""


async def switch(
    generation: Generation, pool: PostgresPool, catch_up: Callable[[], Awaitable[None]] = nothing, former: str = FORMER
) -> None:
    """Take in the last events while nobody writes the live one, then be the live one."""
    async with transaction(pool) as connection, generation.switching(connection, former):
        await catch_up()
