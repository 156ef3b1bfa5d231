"""`annals crypto`."""

from dataclasses import asdict

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S, paged, tell_next
from annals.cli.words import counted
from annals.session import session
from services.deadline import Deadline

LONG_S = 3600.0


@click.group("crypto")
def command() -> None:
    """Data keys, each for one subject of one tenant, and the master key that wraps them. No command shows a key."""


@command.command("list")
@paged
@common
def list_(context: CommandContext, limit: int, after: str | None) -> None:
    """The data keys of the tenant, a page at a time, and where the master key is."""
    run_async(lambda: _list(context, limit, after))


@command.command("rotate")
@click.option("--subject", help="Of this subject alone.")
@click.option("--master", is_flag=True, help="The master key instead: a new one, with which every data key is wrapped.")
@click.option("--rewrap", is_flag=True, help="Wrap every data key with the master key that is set now.")
@common
def rotate(context: CommandContext, subject: str | None, master: bool, rewrap: bool) -> None:
    """Have new data keys from the next use on. What was encrypted before is decrypted as before.

    A master key in a file, and in a key management system that allows it, is made anew by --master. For one that is set
    by ANNALS_MASTER_KEY, put the new one in front of the old one with a comma between, then use --rewrap.
    """
    if sum((subject is not None, master, rewrap)) > 1:
        raise click.UsageError("--subject, --master and --rewrap are three different things; give one of them")
    run_async(lambda: _rewrap(context, master) if master or rewrap else _rotate(context, subject))


async def _list(context: CommandContext, limit: int, after: str | None) -> None:
    async with session(context.settings, read_models=False) as opened:
        page = await opened.use_cases.security.data_keys.list(
            context.caller, after=after, limit=limit, deadline=Deadline.after(LIMIT_S)
        )
    for key in page.keys:
        context.say(
            f"{key.key_id}  {key.state:<9}  {key.created_at:%Y-%m-%d %H:%M}  {key.master or '-'}  {key.subject}"
        )
    if not page.keys:
        context.say("no data keys")
    context.note(f"master key: {page.source}")
    tell_next(context, page.next)
    context.give({"keys": [asdict(key) for key in page.keys], "master": page.source, "next": page.next})


async def _rotate(context: CommandContext, subject: str | None) -> None:
    async with session(context.settings, read_models=False) as opened:
        retired = await opened.use_cases.security.data_keys.rotate(
            context.caller, subject=subject, deadline=Deadline.after(LIMIT_S)
        )
    context.say(f"{counted(retired, 'data key')} retired; the next use makes new ones")
    context.give({"retired": retired})


async def _rewrap(context: CommandContext, master: bool) -> None:
    async with session(context.settings, read_models=False) as opened:
        count = await opened.use_cases.security.data_keys.rewrap(
            context.caller, rotate_master=master, deadline=Deadline.after(LONG_S)
        )
    context.say(f"{counted(count, 'data key')} wrapped anew{' with a new master key' if master else ''}")
    context.give({"rewrapped": count, "rotated": master})
