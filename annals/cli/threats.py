"""`annals threats`."""

from dataclasses import asdict

import click

from annals.cli.calls import ask_security
from annals.cli.context import CommandContext, common


@click.group("threats")
def command() -> None:
    """What was unusual is told by `annals audit list --category threat`, each with an explanation."""


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """Who is blocked now, until when, and why."""
    blocks = ask_security(
        context, lambda security, deadline: security.threats.blocked(context.caller, deadline=deadline)
    )
    for block in blocks:
        context.say(f"{block.identity}  until {block.until:%Y-%m-%d %H:%M:%S}  {block.explanation}")
    if not blocks:
        context.say("nobody is blocked")
    context.give({"blocks": [asdict(block) for block in blocks]})


@command.command("unblock")
@click.argument("identity")
@common
def unblock(context: CommandContext, identity: str) -> None:
    """End the block of IDENTITY, `account/NAME` or `address/ADDRESS`, before its time."""
    ask_security(
        context, lambda security, deadline: security.threats.unblock(context.caller, identity, deadline=deadline)
    )
    context.say(f"{identity} is not blocked any more")
    context.give({"unblocked": identity})
