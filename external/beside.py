"""Storing what was made while the next thing is being made."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType


class Beside:
    """One piece of work at a time goes on beside the block that begins it, and has ended when the block has.

    It is finished though the block fails, and called off with it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Beside":
        return self

    async def begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Once what was begun before is done. Raises what that raised."""
        if self._running is not None:
            await self._running
        self._running = asyncio.create_task(_done(work), name=self._name)

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is None:
            return
        if error is None:
            await self._running
            return
        if isinstance(error, asyncio.CancelledError):
            self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


async def _done(work: Callable[[], Awaitable[None]]) -> None:
    await work()
