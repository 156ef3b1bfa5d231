"""`annals threats`."""

from dataclasses import asdict

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S
from annals.session import session
from services.deadline import Deadline


@click.group("threats", short_help="Accounts and addresses that are blocked for a while: list, unblock.")
def command() -> None:
    """What was unusual is told by `annals audit list --category threat`, each with an explanation."""


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """Who is blocked now, until when, and why."""
    run_async(lambda: _list(context))


@command.command("unblock")
@click.argument("identity")
@common
def unblock(context: CommandContext, identity: str) -> None:
    """End the block of IDENTITY, `account/NAME` or `address/ADDRESS`, before its time."""
    run_async(lambda: _unblock(context, identity))


async def _list(context: CommandContext) -> None:
    async with session(context.settings, read_models=False) as opened:
        blocks = await opened.use_cases.security.threats.blocked(context.caller, deadline=Deadline.after(LIMIT_S))
    for block in blocks:
        context.say(f"{block.identity}  until {block.until:%Y-%m-%d %H:%M:%S}  {block.explanation}")
    if not blocks:
        context.say("nobody is blocked")
    context.give({"blocks": [asdict(block) for block in blocks]})


async def _unblock(context: CommandContext, identity: str) -> None:
    async with session(context.settings, read_models=False) as opened:
        await opened.use_cases.security.threats.unblock(context.caller, identity, deadline=Deadline.after(LIMIT_S))
    context.say(f"{identity} is not blocked any more")
    context.give({"unblocked": identity})
