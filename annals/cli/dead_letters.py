"""`annals dead-letters`."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.session import session
from eventstore.dead_letters import DeadLetter, DeadLetters, Status
from services.errors import NotFoundError

RETRY_LIMIT_S = 60.0
OPEN = "is no open dead letter"


@click.group("dead-letters", short_help="What could not be decoded or handled: list, show, retry, drop, resume.")
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


def _tenant(context: CommandContext, all_tenants: bool) -> str | None:
    return None if all_tenants else context.settings.tenant


async def _list(context: CommandContext, status: str, limit: int, all_tenants: bool) -> None:
    wanted: Status | None = None if status == "all" else status  # type: ignore[assignment]  # click checked it
    async with session(context.settings) as opened:
        letters = await opened.services.letters.newest(_tenant(context, all_tenants), wanted, limit)
        of_none = 0 if all_tenants else await opened.services.letters.count_of_no_tenant()
    for letter in letters:
        whose = f"{letter.tenant or '-'}  {letter.aggregate_id or '-'}"
        context.say(f"{letter.id:>6}  {letter.status:<9} {letter.consumer:<14} {whose}  {letter.cause[:120]}")
    if not letters:
        context.say("no dead letters")
    if of_none:
        context.note(f"open dead letters that belong to no tenant: {of_none}; see them with --all-tenants")
    context.give({"dead_letters": [_described(letter) for letter in letters], "of_no_tenant": of_none})


async def _show(context: CommandContext, letter_id: int, all_tenants: bool) -> None:
    async with session(context.settings) as opened:
        letter = await opened.services.letters.get(_tenant(context, all_tenants), letter_id)
    if letter is None:
        raise NotFoundError(f"there is no dead letter {letter_id}; see: annals dead-letters list --status all")
    described = _described(letter) | {"value": _text(letter.value), "headers": dict(letter.headers)}
    for name, value in described.items():
        context.say(f"{name:<11} {value}")
    context.give(described)


async def _retry(context: CommandContext, ids: list[int] | None, all_tenants: bool) -> bool:
    async with session(context.settings, processing=True) as opened:
        letters = opened.services.letters
        asked = await letters.mark_retrying(_tenant(context, all_tenants), ids)
        missing = sorted(set(ids or ()) - set(asked))
        with context.people.status("trying again"):
            states = await _outcomes(letters, asked)
    for letter_id, state in states.items():
        context.say(f"{letter_id}: {state}")
    for letter_id in missing:
        context.say(f"{letter_id}: {OPEN}")
    if not asked and not missing:
        context.say("no dead letters")
    context.give({"letters": states, "missing": missing})
    return not missing and all(state == "resolved" for state in states.values())


async def _drop(context: CommandContext, ids: list[int], reason: str, all_tenants: bool) -> bool:
    async with session(context.settings) as opened:
        dropped = await opened.services.letters.drop(_tenant(context, all_tenants), ids, reason)
    missing = sorted(set(ids) - set(dropped))
    for letter_id in dropped:
        context.say(f"{letter_id}: dropped")
    for letter_id in missing:
        context.say(f"{letter_id}: {OPEN}")
    context.give({"dropped": dropped, "missing": missing})
    return not missing


async def _resume(context: CommandContext, consumers: tuple[str, ...]) -> bool:
    async with session(context.settings) as opened:
        resumed = await opened.services.letters.paused.release(consumers)
    missing = sorted(set(consumers) - set(resumed))
    for name in resumed:
        context.say(f"{name}: goes on")
    for name in missing:
        context.say(f"{name}: is not paused")
    context.give({"resumed": resumed, "missing": missing})
    return not missing


async def _outcomes(letters: DeadLetters, ids: list[int]) -> dict[int, str]:
    """What became of each, waiting at most RETRY_LIMIT_S."""
    end = time.monotonic() + RETRY_LIMIT_S
    states: dict[int, str] = {}
    while set(ids) - set(states):
        for letter_id in sorted(set(ids) - set(states)):
            letter = await letters.get(None, letter_id)
            if letter is not None and letter.status != "retrying":
                states[letter_id] = letter.status if letter.status != "open" else f"failed again: {letter.cause}"
        if time.monotonic() > end:
            states |= {letter_id: "still being tried" for letter_id in ids if letter_id not in states}
        await asyncio.sleep(0.2)
    return states


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
