"""Comparing two generations, with databases and models of this process."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from annals.cli.context import CommandContext
from annals.session import session
from projections.relational.differences import Kind
from services.deadline import Deadline

LIMIT_S = 120.0
ANSWERS_LIMIT_S = 600.0


async def compare(
    context: CommandContext,
    one: str,
    other: str,
    kinds: Sequence[Kind],
    limit: int,
    after: str | None,
    asked: tuple[Sequence[str], int] | None,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """A page of what differs, where there are `kinds`; and whose answers differ, where questions are `asked`: these, or
    so many of the last ones.
    """
    page: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None
    async with session(context.settings) as opened:
        past = opened.use_cases.past
        if kinds:
            found = await past.compare.differences(
                context.caller, one, other, kinds, after=after, limit=limit, deadline=Deadline.after(LIMIT_S)
            )
            page = {**asdict(found), "differences": [_as_json(asdict(one)) for one in found.differences]}
        if asked is not None:
            questions, last = asked
            with context.people.status("asking both"):
                told = await past.compare_answers.answers(
                    context.caller, one, other, questions, last=last, deadline=Deadline.after(ANSWERS_LIMIT_S)
                )
            answers = {**asdict(told), "differences": [_as_json(asdict(one)) for one in told.differences]}
    return page, answers


def _as_json(difference: dict[str, Any]) -> dict[str, Any]:
    made_by = difference["made_by"]
    if made_by is not None:
        made_by["recorded_at"] = made_by["recorded_at"].isoformat().replace("+00:00", "Z")
    return difference
