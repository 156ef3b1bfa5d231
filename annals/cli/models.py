"""`annals models`."""

from dataclasses import dataclass

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline
from services.processing.serving import ModelOverview


@click.group("models", short_help="Models: which serve, and what is kept of what they said.")
def command() -> None:
    """Models are named in the settings; which of them serves is known once a worker has loaded it."""


@dataclass(frozen=True)
class _Found:
    overview: ModelOverview
    kept: dict[str, int]


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """The model of each task, and how many vectors and other outputs are kept of each revision."""
    found = run_async(lambda: _models(context))
    serving = {one.task: one.revision for one in found.overview.serving}
    context.give(
        {
            "serving": serving,
            "passages": dict(found.overview.stored),
            "kept": found.kept,
            "answering": list(found.overview.answering),
        }
    )
    for task, revision in serving.items():
        context.say(f"{task:<11} {revision}")
    if not serving:
        context.say("no worker has loaded models yet")
    for revision, kept in found.kept.items():
        passages = found.overview.stored.get(revision, 0)
        used = f", {counted(passages, 'passage')} with its vectors" if passages else ""
        context.say(f"kept of {revision}: {counted(kept, 'output')}{used}")
    for one in found.overview.answering:
        context.say(f"answering   {one}")


async def _models(context: CommandContext) -> _Found:
    async with session(context.settings) as opened:
        deadline = Deadline.after(LIMIT_S)
        return _Found(
            await opened.use_cases.models.overview(context.caller, deadline=deadline),
            await opened.use_cases.model_cache.kept(context.caller, deadline=deadline),
        )
