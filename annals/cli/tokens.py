"""`annals tokens`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from annals.cli.calls import ask_security
from annals.cli.context import CommandContext, common
from security.signing_keys import SigningKey
from services.deadline import Deadline
from services.security.access_tokens import LIFETIME
from services.security.signing import LONGEST_TOKEN

if TYPE_CHECKING:
    from services.security.use_cases import Security


@click.group("tokens")
def command() -> None:
    """Access tokens live for minutes; who signed in gets new ones for hours. docs/security.md explains them."""


@command.command("create")
@click.argument("account")
@click.option(
    "--scope", "scopes", multiple=True, help="Narrow it to this, as documents:read; may be given several times."
)
@click.option(
    "--minutes",
    type=click.IntRange(1, LONGEST_TOKEN // timedelta(minutes=1)),
    default=LIFETIME // timedelta(minutes=1),
    show_default=True,
    help="How long it counts.",
)
@common
def create(context: CommandContext, account: str, scopes: Sequence[str], minutes: int) -> None:
    """A token of ACCOUNT, printed this once."""
    token = ask_security(
        context,
        lambda security, deadline: security.tokens.issue(
            context.caller,
            account,
            scopes=scopes or None,
            lifetime=timedelta(minutes=minutes),
            deadline=deadline,
        ),
    )
    context.note(f"token {token.id} of {token.account}, until {token.expires_at:%H:%M:%S} UTC; it is shown this once:")
    context.say(token.text)
    context.give(
        {
            "id": token.id,
            "account": token.account,
            "expires_at": token.expires_at.isoformat(),
            "scopes": token.scopes,
            "token": token.text,
        }
    )


@command.command("list")
@click.option("--account", help="Of this account.")
@common
def list_(context: CommandContext, account: str | None) -> None:
    """The sign-ins that go on, the newest first."""
    found = ask_security(
        context,
        lambda security, deadline: security.tokens.sign_ins(context.caller, account, deadline=deadline),
    )
    for one in found:
        times = f"refreshed {one.created_at:%Y-%m-%d %H:%M}  until {one.expires_at:%Y-%m-%d %H:%M}"
        context.say(f"{one.family}  {one.account}  {times}")
    if not found:
        context.say("nobody is signed in")
    context.give(
        {
            "sign_ins": [
                {
                    "id": one.family,
                    "account": one.account,
                    "refreshed_at": one.created_at.isoformat(),
                    "expires_at": one.expires_at.isoformat(),
                }
                for one in found
            ]
        }
    )


@command.command("revoke")
@click.argument("ids", nargs=-1)
@click.option("--account", help="All tokens and sign-ins of this account.")
@common
def revoke(context: CommandContext, ids: Sequence[str], account: str | None) -> None:
    """Refuse the tokens or sign-ins of these IDS, or all of an account, from the next request on."""
    if bool(ids) == (account is not None):
        raise click.UsageError("name ids, or an account by --account")

    async def revoked(security: "Security", deadline: Deadline) -> None:
        for one in ids:
            await security.tokens.revoke(context.caller, one, deadline=deadline)
        if account is not None:
            await security.tokens.revoke_all(context.caller, account, deadline=deadline)

    ask_security(context, revoked)
    context.say(f"revoked {', '.join(ids) or f'all tokens of {account}'}")
    context.give({"revoked": list(ids), "account": account})


@command.command("signing-keys")
@common
def signing_keys(context: CommandContext) -> None:
    """The keys that sign, or did, or will."""
    keys = ask_security(context, lambda security, deadline: security.signer.list(context.caller, deadline=deadline))
    _tell(context, keys)


@command.command("rotate")
@click.option("--now", "at_once", is_flag=True, help="The new key signs at once, not in ten minutes.")
@click.option("--revoke", "key_id", metavar="ID", help="Refuse what this key signed, besides: it was stolen.")
@common
def rotate(context: CommandContext, at_once: bool, key_id: str | None) -> None:
    """A new key signs; what the old one signed counts until it expires, unless it is revoked."""

    async def rotated(security: "Security", deadline: Deadline) -> Sequence[SigningKey]:
        if key_id is not None:
            await security.signer.revoke(context.caller, key_id, deadline=deadline)
        await security.signer.rotate(context.caller, at_once=at_once or key_id is not None, deadline=deadline)
        return await security.signer.list(context.caller, deadline=deadline)

    _tell(context, ask_security(context, rotated))


def _tell(context: CommandContext, keys: Sequence[SigningKey]) -> None:
    now = datetime.now(UTC)
    for key in keys:
        times = f"signs from {key.signs_from:%Y-%m-%d %H:%M} until {key.signs_until:%Y-%m-%d %H:%M}"
        context.say(f"{key.id}  {_state(key, now)}  {times}")
    if not keys:
        context.say("no signing key yet: the first token makes one")
    context.give(
        {
            "signing_keys": [
                {
                    "id": key.id,
                    "state": _state(key, now),
                    "signs_from": key.signs_from.isoformat(),
                    "signs_until": key.signs_until.isoformat(),
                    "expires_at": key.expires_at.isoformat(),
                }
                for key in keys
            ]
        }
    )


def _state(key: SigningKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.signs(now):
        return "signs"
    return "verifies" if key.signs_until <= now else "published"
