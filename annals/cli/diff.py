"""`annals diff`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.paging import of_gateway, paged, tell_next
from annals.cli.words import short

if TYPE_CHECKING:  # a command that a gateway does loads none of it
    from projections.relational.differences import Kind

KINDS: tuple["Kind", ...] = ("documents", "entities", "relations")
MOST_QUESTIONS = 50
"""That are asked of both."""
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
NOUNS = {"documents": "document", "entities": "entity", "relations": "relation"}


@click.command("diff")
@click.argument("one", metavar="NAME")
@click.argument("other", metavar="OTHER", default="live")
@click.option("--only", "kinds", multiple=True, type=click.Choice([*KINDS, "answers"]), help="These alone; repeatable.")
@click.option("--question", "questions", multiple=True, help="Compare the answers to this; repeatable.")
@click.option(
    "--last",
    type=click.IntRange(0, MOST_QUESTIONS),
    default=10,
    show_default=True,
    help="Without --question: how many of the questions that were asked last.",
)
@paged
@served
def command(
    context: CommandContext,
    one: str,
    other: str,
    kinds: tuple[str, ...],
    questions: tuple[str, ...],
    last: int,
    limit: int,
    after: str | None,
) -> None:
    """What differs from the generation NAME to the generation OTHER, or to today's read models (`live`).

    Documents, entities and relations, a page at a time, each with the last event between both that can have made it:
    its position, type, time and who caused it. On the first page also the questions whose answers differ; both
    generations are asked, and nothing of it is recorded.
    """
    run_async(lambda: _diff(context, one, other, kinds or (*KINDS, "answers"), questions, last, limit, after))


async def _diff(
    context: CommandContext,
    one: str,
    other: str,
    kinds: Sequence[str],
    questions: Sequence[str],
    last: int,
    limit: int,
    after: str | None,
) -> None:
    rows = [kind for kind in KINDS if kind in kinds]
    ask = "answers" in kinds and after is None and bool(questions or last)
    page: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None
    address = context.gateway()
    if address is None:
        from annals.cli.here import comparing as here

        page, answers = await here.compare(context, one, other, rows, limit, after, (questions, last) if ask else None)
    else:
        from client import operations as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            if rows:
                page = await there.differences(gateway, one, other, rows, of_gateway(limit), after)
            if ask:
                with context.people.status("asking both"):
                    answers = await there.answers(gateway, one, other, questions, last)
    differences = [] if page is None else page["differences"]
    differing = [] if answers is None else answers["differences"]
    for difference in differences:
        what = f"{SIGNS[difference['change']]} {NOUNS[difference['kind']]} {short(difference['name'])}"
        context.say(what + _fields(difference["one"], difference["other"]))
        _tell_event(context, difference["made_by"])
    for answer in differing:
        context.say(f"~ answer to {short(answer['question'])}: {_said(answer['one'])} -> {_said(answer['other'])}")
        _tell_event(context, answer["made_by"])
    if not differences and not differing:
        context.say("nothing differs")
    cursor = None if page is None else page["next"]
    context.give(
        {
            **(page or {}),
            "differences": differences,
            "answers": None if answers is None else {"asked": answers["asked"], "differences": differing},
            "next": cursor,
        }
    )
    tell_next(context, cursor)


def _fields(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    if one is None or other is None:
        return ""
    return "".join(f", {name}: {_said(one[name])} -> {_said(other[name])}" for name in one)


def _tell_event(context: CommandContext, event: Mapping[str, Any] | None) -> None:
    if event is not None:
        context.say(
            f"    {event['event_type']} at position {event['position']} by {event['actor']}, "
            f"{datetime.fromisoformat(event['recorded_at']):%Y-%m-%d %H:%M:%S}: {short(event['aggregate_id'])}"
        )


def _said(value: Any) -> str:
    return "nothing" if value is None else short(str(value))
