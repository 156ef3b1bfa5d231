"""`annals users`."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from aggregates.account import Account
from annals.cli.calls import ask_security
from annals.cli.context import CommandContext, common
from annals.cli.paging import paged, tell_next
from services.deadline import Deadline

if TYPE_CHECKING:
    from services.security.use_cases import Security

Change = Callable[["Security", Deadline], Awaitable[Account]]


@click.group("users")
def command() -> None:
    """Accounts of the tenant: who may come in, in which roles. docs/security.md explains them."""


@command.command("create")
@click.argument("name")
@click.option("--role", "roles", multiple=True, help="A role (see: annals access roles); may be given several times.")
@click.option("--service", is_flag=True, help="For a program: it has keys, and no password.")
@common
def create(context: CommandContext, name: str, roles: Sequence[str], service: bool) -> None:
    """Make an account NAME. A user has a password (annals users password) or keys, a program has keys."""
    kind = "service" if service else "user"
    _changed(
        context,
        lambda security, deadline: security.accounts.create(
            context.caller, name, "service" if service else "user", roles, deadline=deadline
        ),
        f"created {kind} {name}",
    )


@command.command("list")
@paged
@common
def list_(context: CommandContext, limit: int, after: str | None) -> None:
    """The accounts, by name."""
    page = ask_security(
        context,
        lambda security, deadline: security.accounts.list(
            context.caller, after=after or "", limit=limit, deadline=deadline
        ),
    )
    for account in page.accounts:
        context.say(_line(account))
    if not page.accounts:
        context.say("no accounts")
    tell_next(context, page.next)
    context.give({"users": [asdict(account) for account in page.accounts], "next": page.next})


@command.command("show")
@click.argument("name")
@common
def show(context: CommandContext, name: str) -> None:
    """The account NAME."""
    _changed(context, lambda security, deadline: security.accounts.get(context.caller, name, deadline=deadline))


@command.command("roles")
@click.argument("name")
@click.argument("roles", nargs=-1)
@common
def roles(context: CommandContext, name: str, roles: Sequence[str]) -> None:
    """Give the account NAME these ROLES and no others, from the next request on."""
    _changed(
        context,
        lambda security, deadline: security.accounts.change_roles(context.caller, name, roles, deadline=deadline),
    )


@command.command("disable")
@click.argument("name")
@click.option("--reason", help="Why, kept with the event.")
@common
def disable(context: CommandContext, name: str, reason: str | None) -> None:
    """Refuse all that the account NAME sends, from the next request on."""
    _changed(
        context,
        lambda security, deadline: security.accounts.disable(context.caller, name, reason, deadline=deadline),
    )


@command.command("enable")
@click.argument("name")
@click.option("--reason", help="Why, kept with the event.")
@common
def enable(context: CommandContext, name: str, reason: str | None) -> None:
    """Let the account NAME in again, with the keys that it had."""
    _changed(
        context,
        lambda security, deadline: security.accounts.enable(context.caller, name, reason, deadline=deadline),
    )


@command.command("password")
@click.argument("name")
@common
def password(context: CommandContext, name: str) -> None:
    """Set the password of the user NAME: asked for twice, or a line of standard input. What it signed in to ends."""
    if sys.stdin.isatty():
        given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    ask_security(
        context,
        lambda security, deadline: security.sign_in.set_password(context.caller, name, given, deadline=deadline),
    )
    context.say(f"{name} has a new password")
    context.give({"user": name})


def _changed(context: CommandContext, change: Change, said: str | None = None) -> None:
    account = ask_security(context, change)
    context.say(said or _line(account))
    context.give(asdict(account))


def _line(account: Account) -> str:
    state = "active" if account.active else "disabled"
    return f"{account.id}  {account.kind}  {state}  {', '.join(account.roles) or 'no roles'}"
