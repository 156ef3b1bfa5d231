"""`annals readers`."""

from dataclasses import asdict

import click

from annals.addresses import reader_address
from annals.cli.calls import ask_security
from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S
from annals.session import session
from services.deadline import Deadline


@click.group("readers")
def command() -> None:
    """Roles of PostgreSQL that read the tenant's documents, entities, relations and questions, and nothing else.

    For Grafana, Metabase, psql. docs/read-models.md tells each view and column.
    """


@command.command("add")
@click.argument("name")
@common
def add(context: CommandContext, name: str) -> None:
    """Let the dashboard NAME read, and print its address, with a password that is shown this once."""
    run_async(lambda: _add(context, name))


@command.command("list")
@common
def list_(context: CommandContext) -> None:
    """The readers of the tenant."""
    readers = ask_security(context, lambda security, deadline: security.readers.list(context.caller, deadline=deadline))
    for reader in readers:
        context.say(f"{reader.name}  {reader.role}  since {reader.added_at:%Y-%m-%d %H:%M}")
    if not readers:
        context.say("no readers")
    context.give({"readers": [asdict(reader) for reader in readers]})


@command.command("remove")
@click.argument("name")
@common
def remove(context: CommandContext, name: str) -> None:
    """Let NAME read no more; its connections end at once."""
    ask_security(context, lambda security, deadline: security.readers.remove(context.caller, name, deadline=deadline))
    context.say(f"{name} reads no more")
    context.give({"removed": name})


async def _add(context: CommandContext, name: str) -> None:
    async with session(context.settings) as opened:
        new = await opened.use_cases.security.readers.add(context.caller, name, deadline=Deadline.after(LIMIT_S))
        address = reader_address(
            opened.state.addresses["postgres"], new.reader.role, new.password, context.settings.postgres_port
        )
    context.say(address)
    if context.settings.postgres is None and context.settings.postgres_port is None:
        context.note("the embedded PostgreSQL listens to nobody: set postgres_port, and start `annals up` again")
    context.give({"reader": asdict(new.reader), "address": address})
