"""How a command calls one use case."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from annals.cli.context import CommandContext, run_async
from annals.cli.paging import LIMIT_S
from annals.session import session
from client.gateway import open_gateway
from services.deadline import Deadline

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases
    from services.security.use_cases import Security

T = TypeVar("T")


def ask(
    context: CommandContext, call: Callable[["UseCases", Deadline], Awaitable[T]], *, read_models: bool = False
) -> T:
    """What `call` gives, within LIMIT_S of the beginning of the call itself. `read_models`: it needs them."""

    async def called() -> T:
        async with session(context.settings, read_models=read_models) as opened:
            return await call(opened.use_cases, Deadline.after(LIMIT_S))

    return run_async(called)


def look_up(
    context: CommandContext,
    call: Callable[["UseCases", Deadline], Awaitable[dict[str, Any]]],
    path: str,
    **parameters: Any,
) -> dict[str, Any]:
    """What the gateway that is to be asked says at this path, else what `call` gives of the databases themselves."""
    address = context.gateway()
    if address is None:
        return ask(context, call, read_models=True)

    async def told() -> dict[str, Any]:
        async with open_gateway(address) as gateway:
            found: dict[str, Any] = await gateway.get(path, **parameters)
            return found

    return run_async(told)


def ask_security(context: CommandContext, call: Callable[["Security", Deadline], Awaitable[T]]) -> T:
    """As `ask`, of identities."""
    return ask(context, lambda use_cases, deadline: call(use_cases.security, deadline))
