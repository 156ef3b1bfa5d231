"""By when a use case has ended, with its result or with an error."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from contracts.errors import AnnalsError

T = TypeVar("T")


class DeadlineExceededError(AnnalsError):
    """It took longer than its limit; try again, or see `annals status` for what is slow."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is a time of the running event loop's clock, in seconds; `limit_s` is what was granted."""

    at: float
    limit_s: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """From now on."""
        return cls(asyncio.get_running_loop().time() + seconds, seconds)

    @property
    def remaining_s(self) -> float:
        """Seconds that are left; 0 once it has passed."""
        return max(0.0, self.at - asyncio.get_running_loop().time())

    @contextlib.asynccontextmanager
    async def enforce(self, what: str) -> AsyncIterator[None]:
        """Cancel the block at the deadline. Raises DeadlineExceededError, which names `what` was being done."""
        limit = asyncio.timeout_at(self.at)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceededError(
                f"{what} took longer than {self.limit_s:g} s; try again, or see `annals status` for what is slow"
            ) from None


async def abandon_after(limit_s: float, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; after `limit_s` seconds TimeoutError is raised and `work` cancelled, but not waited for.

    For what an answer can do without: a driver may take seconds to cancel what a silent server was asked.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    task.cancel()
    task.add_done_callback(_forget)
    raise TimeoutError(f"no answer within {limit_s:g} s")


def _forget(task: asyncio.Task[Any]) -> None:
    """Nobody asks any more how it ended."""
    if not task.cancelled():
        task.exception()
