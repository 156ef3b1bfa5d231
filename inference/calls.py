"""Calls of models, which run outside the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")
CALL_LIMIT_S = 600.0


async def call(executor: Executor, run: Callable[[list[str]], list[T]], texts: Sequence[str]) -> list[T]:
    """What `run` makes of the texts in the executor. Raises what it raises, and TimeoutError."""
    running = asyncio.get_running_loop().run_in_executor(executor, run, list(texts))
    async with asyncio.timeout(CALL_LIMIT_S):
        return await running
