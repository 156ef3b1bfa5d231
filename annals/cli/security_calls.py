"""How a command calls one use case about identities."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from annals.cli.context import CommandContext, run_async
from annals.composition.security import Security
from annals.session import session

T = TypeVar("T")


def ask_security(context: CommandContext, call: Callable[[Security], Awaitable[T]]) -> T:
    """What `call` gives; no read model is needed."""

    async def called() -> T:
        async with session(context.settings, read_models=False) as opened:
            return await call(opened.use_cases.security)

    return run_async(called)
