"""`annals diff`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import paged, tell_next
from annals.cli.words import short
from annals.session import session
from services.deadline import Deadline
from services.past.answers import MOST_QUESTIONS, AnswerDifferences
from services.past.differences import KINDS, DifferencePage, MadeBy

LIMIT_S = 120.0
ANSWERS_LIMIT_S = 600.0
SIGNS = {"added": "+", "removed": "-", "changed": "~"}
NOUNS = {"documents": "document", "entities": "entity", "relations": "relation"}


@click.command("diff", short_help="What differs between two generations, and the event that made it.")
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
@common
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
    ask = "answers" in kinds and after is None and (questions or last)
    page: DifferencePage | None = None
    answers: AnswerDifferences | None = None
    async with session(context.settings) as opened:
        past = opened.use_cases.past
        if rows:
            page = await past.compare.differences(
                context.caller, one, other, rows, after=after, limit=limit, deadline=Deadline.after(LIMIT_S)
            )
        if ask:
            with context.people.status("asking both"):
                answers = await past.compare_answers.answers(
                    context.caller, one, other, questions, last=last, deadline=Deadline.after(ANSWERS_LIMIT_S)
                )
    for difference in page.differences if page is not None else ():
        what = f"{SIGNS[difference.change]} {NOUNS[difference.kind]} {short(difference.name)}"
        context.say(what + _fields(difference.one, difference.other))
        _tell_event(context, difference.made_by)
    for answer in answers.differences if answers is not None else ():
        context.say(f"~ answer to {short(answer.question)}: {_said(answer.one)} -> {_said(answer.other)}")
        _tell_event(context, answer.made_by)
    if not (page and page.differences) and not (answers and answers.differences):
        context.say("nothing differs")
    context.give(
        {
            **({} if page is None else asdict(page)),
            "differences": [] if page is None else [_as_json(asdict(difference)) for difference in page.differences],
            "answers": None
            if answers is None
            else {"asked": answers.asked, "differences": [_as_json(asdict(one)) for one in answers.differences]},
            "next": None if page is None else page.next,
        }
    )
    tell_next(context, None if page is None else page.next)


def _fields(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> str:
    if one is None or other is None:
        return ""
    return "".join(f", {name}: {_said(one[name])} -> {_said(other[name])}" for name in one)


def _tell_event(context: CommandContext, event: MadeBy | None) -> None:
    if event is not None:
        context.say(
            f"    {event.event_type} at position {event.position} by {event.actor}, "
            f"{event.recorded_at:%Y-%m-%d %H:%M:%S}: {short(event.aggregate_id)}"
        )


def _said(value: Any) -> str:
    return "nothing" if value is None else short(str(value))


def _as_json(difference: dict[str, Any]) -> dict[str, Any]:
    made_by = difference["made_by"]
    if made_by is not None:
        made_by["recorded_at"] = made_by["recorded_at"].isoformat()
    return difference
