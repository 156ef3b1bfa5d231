"""`annals dead-letters`."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.words import said_of
from annals.session import session
from eventstore.dead_letters import DeadLetter, Status
from services.deadline import Deadline
from services.operations.dead_letters import RETRY_LIMIT_S

T = TypeVar("T")

LIMIT_S = 30.0
NOT_PAUSED = "no paused consumer has this name (see: annals status)"
NOT_OPEN = "no dead letter of this number is open (see: annals dead-letters list --status all)"


@click.group("dead-letters")
def command() -> None:
    """Messages that were set aside, each with its cause. They are kept whole and can be tried again.

    Each belongs to a tenant: to that of its event, or to the one that its inbox speaks for. One of which that cannot be
    told belongs to no tenant; it is seen with --all-tenants only, which is for the operator.
    """


def _all_tenants(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--all-tenants", is_flag=True, help="Those of every tenant and of none.")(function)


@command.command("list")
@click.option(
    "--status",
    type=click.Choice(["open", "retrying", "resolved", "dropped", "all"]),
    default="open",
    show_default=True,
    help="Which.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@_all_tenants
@common
def list_(context: CommandContext, status: str, limit: int, all_tenants: bool) -> None:
    """The newest dead letters."""
    run_async(lambda: _list(context, status, limit, all_tenants))


@command.command("show")
@click.argument("id", type=int)
@_all_tenants
@common
def show(context: CommandContext, id: int, all_tenants: bool) -> None:
    """The dead letter of this ID (see: list), whole: what came, from where, and what was wrong with it."""
    run_async(lambda: _show(context, id, all_tenants))


@command.command("retry")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every one that is neither resolved nor dropped.")
@_all_tenants
@common
def retry(context: CommandContext, ids: tuple[int, ...], everything: bool, all_tenants: bool) -> None:
    """Publish the dead letters of these IDS (see: list) again, and tell what became of them.

    The exit code is 1 where one of them is not resolved then.
    """
    if bool(ids) == everything:
        raise click.UsageError("name the ids to try again, or --all")
    if not run_async(lambda: _retry(context, None if everything else list(ids), all_tenants)):
        sys.exit(1)


@command.command("drop")
@click.argument("ids", nargs=-1, type=int, required=True)
@click.option("--reason", required=True, help="Why, kept with the letter.")
@_all_tenants
@common
def drop(context: CommandContext, ids: tuple[int, ...], reason: str, all_tenants: bool) -> None:
    """Give up the dead letters of these IDS (see: list): they are kept with the reason, and tried no more.

    The exit code is 1 where one of them was not open.
    """
    if not reason.strip():
        raise click.UsageError("--reason is empty; say why they are dropped")
    if not run_async(lambda: _drop(context, list(ids), reason, all_tenants)):
        sys.exit(1)


@command.command("resume")
@click.argument("consumers", nargs=-1, required=True)
@common
def resume(context: CommandContext, consumers: tuple[str, ...]) -> None:
    """Let these CONSUMERS go on, which were paused since too many of their messages became dead letters (see: status).

    A consumer that is started again goes on by itself. The exit code is 1 where one was not paused.
    """
    if not run_async(lambda: _resume(context, consumers)):
        sys.exit(1)


async def _list(context: CommandContext, status: str, limit: int, all_tenants: bool) -> None:
    wanted: Status | None = None if status == "all" else status  # type: ignore[assignment]  # click checked it
    async with session(context.settings) as opened:
        found = await opened.use_cases.operations.dead_letters.newest(
            context.caller, wanted, limit, all_tenants=all_tenants, deadline=Deadline.after(LIMIT_S)
        )
    for letter in found.letters:
        whose = f"{letter.tenant or '-'}  {letter.aggregate_id or '-'}"
        context.say(f"{letter.id}  {letter.status:<9} {letter.consumer:<14} {whose}  {letter.cause[:120]}")
    if not found.letters:
        context.say("no dead letters" if wanted is None else f"no {wanted} dead letters")
    if found.of_no_tenant:
        whose = said_of(found.of_no_tenant, "open dead letter", "belongs", "belong")
        context.note(f"{whose} to no tenant (see: annals dead-letters list --all-tenants)")
    context.give({"dead_letters": [_described(letter) for letter in found.letters], "of_no_tenant": found.of_no_tenant})


async def _show(context: CommandContext, letter_id: int, all_tenants: bool) -> None:
    async with session(context.settings) as opened:
        letter = await opened.use_cases.operations.dead_letters.get(
            context.caller, letter_id, all_tenants=all_tenants, deadline=Deadline.after(LIMIT_S)
        )
    described = _described(letter) | {"value": _text(letter.value), "headers": dict(letter.headers)}
    for name, value in described.items():
        if value is not None:
            shown = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            context.say(f"{name:<11} {shown}")
    context.give(described)


async def _retry(context: CommandContext, ids: list[int] | None, all_tenants: bool) -> bool:
    async with session(context.settings, processing=True) as opened:
        with context.people.status("trying again"):
            retry = await opened.use_cases.operations.dead_letters.retry(
                context.caller, ids, all_tenants=all_tenants, deadline=Deadline.after(RETRY_LIMIT_S)
            )
    states = {
        one.letter_id: one.outcome if one.cause is None else f"{one.outcome}: {one.cause}" for one in retry.letters
    }
    for letter_id, state in states.items():
        context.say(f"{letter_id}: {state}")
    for letter_id in retry.missing:
        context.say(f"{letter_id}: {NOT_OPEN}")
    if not states and not retry.missing:
        context.say("nothing to try again: no dead letter is open")
    context.give({"letters": states, "missing": list(retry.missing)})
    return retry.went_well


async def _drop(context: CommandContext, ids: list[int], reason: str, all_tenants: bool) -> bool:
    async with session(context.settings) as opened:
        dropped = await opened.use_cases.operations.dead_letters.drop(
            context.caller, ids, reason, all_tenants=all_tenants, deadline=Deadline.after(LIMIT_S)
        )
    return _tell(context, ids, dropped, "dropped", "dropped", NOT_OPEN)


async def _resume(context: CommandContext, consumers: tuple[str, ...]) -> bool:
    async with session(context.settings) as opened:
        resumed = await opened.use_cases.operations.dead_letters.resume(
            context.caller, consumers, deadline=Deadline.after(LIMIT_S)
        )
    return _tell(context, consumers, resumed, "resumed", "goes on", NOT_PAUSED)


def _tell(
    context: CommandContext, asked: Sequence[T], done: Sequence[T], key: str, outcome: str, not_done: str
) -> bool:
    """What became of each; whether it was done to all. `key` is of --json, `outcome` and `not_done` for people."""
    missing = [one for one in dict.fromkeys(asked) if one not in done]
    for one in done:
        context.say(f"{one}: {outcome}")
    for one in missing:
        context.say(f"{one}: {not_done}")
    context.give({key: list(done), "missing": missing})
    return not missing


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "status": letter.status,
        "tenant": letter.tenant,
        "document_id": letter.aggregate_id,
        "consumer": letter.consumer,
        "error": letter.error,
        "cause": letter.cause,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": _text(letter.key),
        "event_id": letter.event_id,
        "attempts": letter.attempts,
        "reason": letter.reason,
        "created_at": letter.created_at.isoformat() if letter.created_at else None,
    }


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")
