"""How a command decides on what was found, and waits until the read models have it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from annals.cli.context import CommandContext, run_async
from annals.session import session
from client import decisions
from client.address import Address
from client.decisions import Request
from client.gateway import open_gateway
from services.corrections.deciding import Corrected
from services.deadline import Deadline

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases
    from services.corrections.use_cases import Corrections

CORRECT_LIMIT_S = 300.0
"""A model may have to be loaded first."""
F = TypeVar("F", bound=Callable[..., Any])

reason: Callable[[F], F] = click.option("--reason", help="Why, kept with the event.")


class Decided(Protocol):
    """What a decision led to."""

    @property
    def position(self) -> int | None:
        """Of its last event in the log; None where nothing changed."""


D = TypeVar("D", bound=Decided)


def decide(
    context: CommandContext,
    call: Callable[["UseCases", Deadline], Awaitable[D]],
    told: Callable[[D], dict[str, Any]],
    wanted: Request,
    *,
    limit_s: float,
    wait: bool,
) -> dict[str, Any]:
    """What the gateway that is to be asked says to `wanted`, else what is `told` of `call` within `limit_s`.

    With `wait` once every read model has it. `position` is None where nothing changed.
    """
    address = context.gateway()

    async def here() -> dict[str, Any]:
        async with session(context.settings, processing=wait) as opened:
            decided = await call(opened.use_cases, Deadline.after(limit_s))
            if wait and decided.position is not None:
                consistency = opened.use_cases.storage.consistency
                await consistency.until(decided.position, deadline=Deadline.after(decisions.FOLLOW_LIMIT_S))
            return told(decided)

    async def there(address: Address) -> dict[str, Any]:
        async with open_gateway(address) as gateway:
            return await decisions.decide(gateway, wanted, wait=wait)

    return run_async(here if address is None else partial(there, address))


def correct(
    context: CommandContext,
    said: str,
    call: Callable[["Corrections", Deadline], Awaitable[Corrected]],
    wanted: Request,
) -> None:
    """Do it, wait for the read models, and say so; `said` is what is true then."""
    done = decide(
        context,
        lambda use_cases, deadline: call(use_cases.corrections, deadline),
        lambda one: {
            "id": one.id,
            "document_id": one.document_id,
            "position": one.position if one.changed else None,
        },
        wanted,
        limit_s=CORRECT_LIMIT_S,
        wait=True,
    )
    changed = done["position"] is not None
    context.say(f"{said}: {done['id']}" if changed else f"it is so already: {done['id']}")
    context.give({"id": done["id"], "document_id": done["document_id"], "changed": changed})
