"""`annals embed`."""

import time

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import said_of
from annals.session import session
from services.deadline import Deadline
from services.operations.progress import READ_MODELS
from services.operations.rebuilding import COUNT_LIMIT_S, REBUILD_LIMIT_S


@click.command("embed", short_help="Embed anew what another embedder embedded.")
@common
def command(context: CommandContext) -> None:
    """Give every passage a vector of the embedder that the settings name, then build the read models anew.

    Stop `annals up` and workers first. The passages stay as they are, and so does all that was found in them. What was
    embedded stays when the command is called off; give it again to go on.
    """
    run_async(lambda: _embed(context))


async def _embed(context: CommandContext) -> None:
    async with session(context.settings, read_models=False) as opened:
        service, rebuilding = opened.use_cases.embedding, opened.use_cases.operations.rebuilding
        began = time.monotonic()
        total = await service.total(context.caller, deadline=Deadline.after(COUNT_LIMIT_S))
        with context.progress("embedding", total, "documents") as done:
            embedded = await service.embed(context.caller, done, deadline=Deadline.after(REBUILD_LIMIT_S))
        total = await rebuilding.aggregates(READ_MODELS, deadline=Deadline.after(COUNT_LIMIT_S))
        with context.progress("building the read models", total, "aggregates") as done:
            await rebuilding.replay(context.caller, READ_MODELS, done, deadline=Deadline.after(REBUILD_LIMIT_S))
    seconds = round(time.monotonic() - began, 2)
    context.say(f"{said_of(embedded, 'document', 'was', 'were')} embedded anew in {seconds} s")
    context.give({"documents": embedded, "seconds": seconds})
