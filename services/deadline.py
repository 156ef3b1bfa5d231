"""By when a use case has ended, with its result or with an error."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from contracts.errors import AnnalsError


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
