"""Failed attempts are counted for all processes together: what changed is exchanged every moment, in one go."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator

from eventstore.errors import StoreUnavailableError
from eventstore.failed_attempts import FailedAttempts
from security.attempts import Attempts

log = logging.getLogger(__name__)

EXCHANGE_S = 1.0
"""Within which others know of a failure. No request waits for it."""
BACK_S = 60.0
"""How far back is looked at the first time: as long as the longest delay."""


@contextlib.asynccontextmanager
async def shared_attempts(store: FailedAttempts) -> AsyncIterator[Attempts]:
    """For the length of the block; while the database is away each process counts for itself."""
    attempts = Attempts()
    exchanging = asyncio.create_task(_exchange_on(attempts, store), name="failed attempts")
    try:
        yield attempts
    finally:
        exchanging.cancel()
        await asyncio.gather(exchanging, return_exceptions=True)


async def _exchange_on(attempts: Attempts, store: FailedAttempts) -> None:
    loop = asyncio.get_running_loop()
    since = loop.time() - BACK_S
    while True:
        changes, began = attempts.changes(), loop.time()
        try:
            # A little of what was seen is seen again: others may have been in the midst of it.
            attempts.learn(await store.exchange(changes, began - since + EXCHANGE_S))
            since = began
        except StoreUnavailableError as error:
            attempts.add_back(changes)
            log.warning("failed attempts are counted in this process alone: %s", error)
        await asyncio.sleep(EXCHANGE_S * random.uniform(0.75, 1.0))
