"""As many at once as a driver has connections, all of them counted; who waits too long for one is told so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from eventstore.errors import StoreUnavailableError
from eventstore.pool import ACQUIRE_LIMIT_S, PoolUse


class ConnectionLimiter:
    """Stands before the pool of a driver that does not tell who waits. Messages call its server `server`."""

    def __init__(self, server: str, limit: int) -> None:
        self.server, self.limit = server, limit
        self.active = 0
        self.use = PoolUse()
        self._free = asyncio.Semaphore(limit)

    async def enter(self) -> None:
        """Wait for a connection; `leave` gives it back. Raises StoreUnavailableError after ACQUIRE_LIMIT_S."""
        self.use.waiting += 1
        try:
            async with asyncio.timeout(ACQUIRE_LIMIT_S):
                await self._free.acquire()
        except TimeoutError:
            self.use.failures += 1
            raise StoreUnavailableError(
                f"{self.server} gave no connection within {ACQUIRE_LIMIT_S:g} s: all {self.limit} are in use"
            ) from None
        finally:
            self.use.waiting -= 1
        self.use.acquired += 1
        self.active += 1

    def leave(self) -> None:
        """Let the next one in."""
        self.active -= 1
        self._free.release()

    @contextlib.asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """A connection for the block. Raises StoreUnavailableError as `enter` does."""
        await self.enter()
        try:
            yield
        finally:
            self.leave()
