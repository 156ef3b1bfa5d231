"""Searching, with models and databases of this process."""

from dataclasses import asdict
from typing import Any

from annals.cli.context import CommandContext
from annals.cli.here.passages import as_json
from annals.session import session
from services.deadline import Deadline
from services.reasoning.ask import ASK_LIMIT_S
from services.search.results import Mode, SearchRequest


async def search(
    context: CommandContext,
    query: str,
    k: int,
    *,
    mode: Mode,
    like: str | None,
    facet: list[str],
    cursor: str | None,
    at: str | None,
) -> dict[str, Any]:
    """What is found, best first."""
    async with session(context.settings) as opened:
        with context.people.status("searching"):
            deadline = Deadline.after(ASK_LIMIT_S)
            searching = opened.use_cases.search
            if at is not None:
                searching = (await opened.use_cases.past.reads.of(at, deadline=deadline)).search
            page = await searching.search(
                context.caller,
                SearchRequest(query, mode, like, tuple(facet)),
                after=cursor,
                limit=k,
                deadline=deadline,
            )
    shown = [{**as_json(one.passage), "highlights": [list(span) for span in one.highlights]} for one in page.passages]
    return {**asdict(page), "passages": shown}
