"""`annals dead-letters`."""

import asyncio
import time
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.errors import NotFoundError
from annals.session import session
from eventstore.dead_letters import DeadLetter, DeadLetters, Status

RETRY_LIMIT_S = 60.0


@click.group("dead-letters", short_help="What could not be decoded or handled: list, show, retry.")
def command() -> None:
    """Messages that were set aside, each with its cause. They are kept whole and can be tried again."""


@command.command("list")
@click.option(
    "--status",
    type=click.Choice(["open", "retrying", "resolved", "all"]),
    default="open",
    show_default=True,
    help="Which.",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="How many.")
@common
def list_(context: CommandContext, status: str, limit: int) -> None:
    """The newest dead letters."""
    run_async(lambda: _list(context, status, limit))


@command.command("show")
@click.argument("id", type=int)
@common
def show(context: CommandContext, id: int) -> None:
    """The dead letter of this ID (see: list), whole: what came, from where, and what was wrong with it."""
    run_async(lambda: _show(context, id))


@command.command("retry")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every one that is not resolved.")
@common
def retry(context: CommandContext, ids: tuple[int, ...], everything: bool) -> None:
    """Publish the dead letters of these IDS (see: list) again, and tell what became of them."""
    if bool(ids) == everything:
        raise click.UsageError("name the ids to try again, or --all")
    run_async(lambda: _retry(context, None if everything else list(ids)))


async def _list(context: CommandContext, status: str, limit: int) -> None:
    wanted: Status | None = None if status == "all" else status  # type: ignore[assignment]  # click checked it
    async with session(context.settings) as opened:
        letters = await opened.services.letters.newest(wanted, limit)
    for letter in letters:
        context.say(f"{letter.id:>6}  {letter.status:<9} {letter.consumer:<14} {letter.cause[:120]}")
    if not letters:
        context.say("no dead letters")
    context.give({"dead_letters": [_described(letter) for letter in letters]})


async def _show(context: CommandContext, letter_id: int) -> None:
    async with session(context.settings) as opened:
        letter = await opened.services.letters.get(letter_id)
    if letter is None:
        raise NotFoundError(f"there is no dead letter {letter_id}; see: annals dead-letters list --status all")
    described = _described(letter) | {"value": _text(letter.value), "headers": dict(letter.headers)}
    for name, value in described.items():
        context.say(f"{name:<11} {value}")
    context.give(described)


async def _retry(context: CommandContext, ids: list[int] | None) -> None:
    async with session(context.settings, processing=True) as opened:
        letters = opened.services.letters
        asked = await letters.mark_retrying(ids)
        missing = sorted(set(ids or ()) - set(asked))
        with context.people.status("trying again"):
            states = await _outcomes(letters, asked)
    for letter_id, state in states.items():
        context.say(f"{letter_id}: {state}")
    for letter_id in missing:
        context.say(f"{letter_id}: is no open dead letter")
    if not asked and not missing:
        context.say("no dead letters")
    context.give({"letters": states, "missing": missing})


async def _outcomes(letters: DeadLetters, ids: list[int]) -> dict[int, str]:
    """What became of each, waiting at most RETRY_LIMIT_S."""
    end = time.monotonic() + RETRY_LIMIT_S
    states: dict[int, str] = {}
    while set(ids) - set(states):
        for letter_id in sorted(set(ids) - set(states)):
            letter = await letters.get(letter_id)
            if letter is not None and letter.status != "retrying":
                states[letter_id] = "resolved" if letter.status == "resolved" else f"failed again: {letter.cause}"
        if time.monotonic() > end:
            states |= {letter_id: "still being tried" for letter_id in ids if letter_id not in states}
        await asyncio.sleep(0.2)
    return states


def _described(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "status": letter.status,
        "consumer": letter.consumer,
        "error": letter.error,
        "cause": letter.cause,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "key": _text(letter.key),
        "event_id": letter.event_id,
        "attempts": letter.attempts,
        "created_at": letter.created_at.isoformat() if letter.created_at else None,
    }


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")
