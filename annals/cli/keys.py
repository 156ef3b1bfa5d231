"""`annals keys`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from annals.cli.calls import ask_security
from annals.cli.context import CommandContext, common
from annals.cli.paging import paged, tell_next
from security.api_keys import ApiKey
from services.deadline import Deadline
from services.security.api_keys import DEFAULT_LIFETIME, IssuedKey

if TYPE_CHECKING:
    from services.security.use_cases import Security


@click.group("keys")
def command() -> None:
    """API keys, sent as `Authorization: Bearer KEY`. Each is shown once; only a hash is kept."""


@command.command("create")
@click.argument("account")
@click.option("--name", default="key", show_default=True, help="What it is for.")
@click.option(
    "--scope", "scopes", multiple=True, help="Narrow it to this, as documents:read; may be given several times."
)
@click.option(
    "--days",
    type=click.IntRange(1, 36_500),
    default=DEFAULT_LIFETIME.days,
    show_default=True,
    help="How long it counts.",
)
@click.option("--forever", is_flag=True, help="It counts until it is revoked.")
@common
def create(context: CommandContext, account: str, name: str, scopes: Sequence[str], days: int, forever: bool) -> None:
    """A new key of ACCOUNT, printed this once."""
    lifetime = None if forever else timedelta(days=days)
    _issued(
        context,
        lambda security, deadline: security.api_keys.issue(
            context.caller, account, name, scopes=scopes or None, lifetime=lifetime, deadline=deadline
        ),
    )


@command.command("list")
@click.option("--account", help="Of this account.")
@paged
@common
def list_(context: CommandContext, account: str | None, limit: int, after: str | None) -> None:
    """The keys, without their secrets."""
    page = ask_security(
        context,
        lambda security, deadline: security.api_keys.list(
            context.caller, account, after=after or "", limit=limit, deadline=deadline
        ),
    )
    for key in page.keys:
        used = f"last used {_time(key.last_used_at)}"
        context.say(f"{key.id}  {key.account}  {key.name}  {_state(key)}  {', '.join(key.scopes or ('all',))}  {used}")
    if not page.keys:
        context.say("no keys")
    tell_next(context, page.next)
    context.give({"keys": [_described(key) for key in page.keys], "next": page.next})


@command.command("show")
@click.argument("id")
@common
def show(context: CommandContext, id: str) -> None:
    """The key of this ID, without its secret."""
    _told(context, lambda security, deadline: security.api_keys.get(context.caller, id, deadline=deadline))


@command.command("rotate")
@click.argument("id")
@click.option(
    "--overlap", type=click.IntRange(0, 720), default=24, show_default=True, help="Hours that the old one counts still."
)
@common
def rotate(context: CommandContext, id: str, overlap: int) -> None:
    """A new key in the place of that of this ID, printed this once: same account, name, scopes and time to live."""
    _issued(
        context,
        lambda security, deadline: security.api_keys.rotate(
            context.caller, id, overlap=timedelta(hours=overlap), deadline=deadline
        ),
    )


@command.command("revoke")
@click.argument("id")
@common
def revoke(context: CommandContext, id: str) -> None:
    """Refuse the key of this ID, from the next request on."""
    _told(context, lambda security, deadline: security.api_keys.revoke(context.caller, id, deadline=deadline))


def _issued(context: CommandContext, issue: Callable[["Security", Deadline], Awaitable[IssuedKey]]) -> None:
    issued = ask_security(context, issue)
    context.note(f"key {issued.key.id} of {issued.key.account}, {_state(issued.key)}; it is shown this once:")
    context.say(issued.text)
    context.give({**_described(issued.key), "key": issued.text})


def _told(context: CommandContext, ask: Callable[["Security", Deadline], Awaitable[ApiKey]]) -> None:
    key = ask_security(context, ask)
    for name, value in _described(key).items():
        if value is not None:
            context.say(f"{name:<13} {', '.join(value) if isinstance(value, tuple) else value}")
    context.give(_described(key))


def _state(key: ApiKey) -> str:
    fault = key.fault(datetime.now(UTC))
    if fault is not None:
        return "revoked" if key.revoked_at is not None else "expired"
    return "counts" if key.expires_at is None else f"until {_time(key.expires_at)}"


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _described(key: ApiKey) -> dict[str, Any]:
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    moments: dict[str, datetime | None] = {name: getattr(key, name) for name in times}
    return {
        "id": key.id,
        "account": key.account,
        "name": key.name,
        "scopes": key.scopes,
        "created_by": key.created_by,
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
    }
