"""`annals checkpoint`."""

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import counted
from annals.composition.checkpoints import checkpoint_folder
from annals.session import session
from services.deadline import Deadline
from services.security.checkpoints import CHECKPOINT_LIMIT_S


@click.command("checkpoint")
@common
def command(context: CommandContext) -> None:
    """Sign the log as it is now, and keep the checkpoint in the database and as a file outside of it.

    While Annals is up, one is made by schedule (`checkpoint_minutes`). Note the public key elsewhere: with it and a
    copy of the files it can be told later whether the log is still the one that was signed.
    """
    run_async(lambda: _checkpoint(context))


async def _checkpoint(context: CommandContext) -> None:
    async with session(context.settings, read_models=False) as opened:
        made = await opened.use_cases.security.checkpoints.make(
            context.caller, deadline=Deadline.after(CHECKPOINT_LIMIT_S)
        )
    context.say(f"{counted(made.size, 'event')} up to position {made.position}, signed at {made.at:%Y-%m-%d %H:%M:%S}")
    context.say(f"  root:       {made.root}")
    context.say(f"  public key: {made.public_key} ({made.key_id})")
    context.say(f"  kept in:    {checkpoint_folder(context.settings)}")
    context.give(made.model_dump(mode="json"))
