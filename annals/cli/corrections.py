"""How a command decides on what was found, and waits until the read models have it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

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


class Decided(Protocol):
    """What a decision led to."""

    @property
    def position(self) -> int | None:
        """Of its last event in the log; None where nothing changed."""


D = TypeVar("D", bound=Decided)


def decide(
    context: CommandContext, call: Callable[[UseCases, Deadline], Awaitable[D]], *, limit_s: float, wait: bool
) -> D:
    """What `call` gives within `limit_s`, where `wait` is set once every read model has it."""

    async def done() -> D:
        async with session(context.settings, processing=wait) as opened:
            decided = await call(opened.use_cases, Deadline.after(limit_s))
            if wait and decided.position is not None:
                consistency = opened.use_cases.storage.consistency
                await consistency.until(decided.position, deadline=Deadline.after(FOLLOW_LIMIT_S))
            return decided

    return run_async(done)


def correct(context: CommandContext, said: str, call: Callable[[Corrections, Deadline], Awaitable[Corrected]]) -> None:
    """Do it, wait for the read models, and say so; `said` is what is true then."""
    corrected = decide(
        context,
        lambda use_cases, deadline: call(use_cases.corrections, deadline),
        limit_s=CORRECT_LIMIT_S,
        wait=True,
    )
    context.say(f"{said}: {corrected.id}" if corrected.changed else f"it is so already: {corrected.id}")
    context.give({"id": corrected.id, "document_id": corrected.document_id, "changed": corrected.changed})


def look(context: CommandContext, call: Callable[[Corrections, Deadline], Awaitable[T]]) -> T:
    """What `call` gives."""

    async def found() -> T:
        async with session(context.settings) as opened:
            return await call(opened.use_cases.corrections, Deadline.after(CORRECT_LIMIT_S))

    return run_async(found)
