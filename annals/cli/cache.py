"""`annals cache`."""

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.corrections import reason
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline
from services.processing.model_cache import Cleared

CLEAR_LIMIT_S = 600.0


@click.group("cache")
def command() -> None:
    """Outputs of models are kept by revision. Undone it cannot be, and need not: asked again, a model says the same."""


@command.command("clear")
@click.argument("revision")
@reason
@common
def clear(context: CommandContext, revision: str, reason: str | None) -> None:
    """Throw away what the model of this REVISION said (`annals models list` has revisions).

    Refused for an embedder whose vectors are in use.
    """
    cleared = run_async(lambda: _clear(context, revision, reason))
    context.say(f"{counted(cleared.entries, 'output')} of {cleared.revision} thrown away")
    context.give({"revision": cleared.revision, "entries": cleared.entries})


async def _clear(context: CommandContext, revision: str, reason: str | None) -> Cleared:
    async with session(context.settings) as opened:
        return await opened.use_cases.model_cache.clear(
            context.caller, revision, reason=reason, deadline=Deadline.after(CLEAR_LIMIT_S)
        )
