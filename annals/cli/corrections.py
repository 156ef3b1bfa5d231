"""How a command corrects what was found, and waits until the read models have it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from annals.cli.context import CommandContext, run_async
from annals.composition.use_cases import UseCases
from annals.session import session
from services.corrections.deciding import Corrected
from services.corrections.use_cases import Corrections
from services.deadline import Deadline

CORRECT_LIMIT_S = 300.0
"""A model may have to be loaded first."""
FOLLOW_LIMIT_S = 120.0
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

reason: Callable[[F], F] = click.option("--reason", help="Why, kept with the event.")


def correct(context: CommandContext, said: str, call: Callable[[Corrections, Deadline], Awaitable[Corrected]]) -> None:
    """Do it, wait for the read models, and say so; `said` is what is true then."""

    async def done() -> Corrected:
        async with session(context.settings, processing=True) as opened:
            corrected = await call(opened.use_cases.corrections, Deadline.after(CORRECT_LIMIT_S))
            await follow(opened.use_cases, corrected.position)
            return corrected

    corrected = run_async(done)
    context.say(f"{said}: {corrected.id}" if corrected.changed else f"it is so already: {corrected.id}")
    context.give({"id": corrected.id, "document_id": corrected.document_id, "changed": corrected.changed})


async def follow(use_cases: UseCases, position: int) -> None:
    """Wait until every read model has the log up to this position."""
    await use_cases.storage.consistency.until(position, deadline=Deadline.after(FOLLOW_LIMIT_S))


def look(context: CommandContext, call: Callable[[Corrections, Deadline], Awaitable[T]]) -> T:
    """What `call` gives."""

    async def found() -> T:
        async with session(context.settings) as opened:
            return await call(opened.use_cases.corrections, Deadline.after(CORRECT_LIMIT_S))

    return run_async(found)
