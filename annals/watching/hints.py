"""When to look at a folder again: the operating system's hints, which may come late, twice, or not at all."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from watchfiles import awatch

QUIET_MS = 100
LONGEST_MS = 1_000
"""Hints are one hint while they come within QUIET_MS of each other, for at most so long."""


class Hints:
    """Of some folders, each without those below it; a context manager. However many come, one is kept."""

    def __init__(self, refused: Callable[[str], None]) -> None:
        """`refused` is told why the system gives no hints, once; whoever waits then waits for his limit."""
        self._refused = refused
        self._folders: frozenset[Path] = frozenset()
        self._any = asyncio.Event()
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.works = True

    async def follow(self, folders: Sequence[Path]) -> bool:
        """From now on hints of these; whether they are others than before. What happened in between needs a look."""
        if frozenset(folders) == self._folders:
            return False
        self._folders = frozenset(folders)
        await self.close()
        if self.works and folders:
            started = asyncio.Event()
            self._task = asyncio.create_task(self._listen(sorted(folders), started))
            await started.wait()
        return True

    async def wait(self, limit_s: float) -> None:
        """Until there is one, or the limit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._any.wait()
        self._any.clear()

    async def close(self) -> None:
        """No more of them."""
        task, self._task = self._task, None
        if task is not None:
            self._stop.set()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen(self, folders: Sequence[Path], started: asyncio.Event) -> None:
        self._stop = asyncio.Event()
        hints = awatch(
            *folders,
            watch_filter=None,
            recursive=False,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            ignore_permission_denied=True,
            stop_event=self._stop,
        )
        # Called once the library waits: it listens by then.
        asyncio.get_running_loop().call_soon(started.set)
        try:
            async for _ in hints:
                self._any.set()
        except FileNotFoundError:
            # A folder that went away meanwhile: the next look knows.
            self._any.set()
        except Exception as error:  # of the system's limits, of file systems without hints
            self.works = False
            self._refused(" ".join(str(error).split()))
