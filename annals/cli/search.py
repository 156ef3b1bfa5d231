"""`annals search`."""

from typing import Any

import click

from annals.cli.context import CommandContext, common, run_async
from annals.session import session
from contracts.errors import AnnalsError
from contracts.text import is_blank
from reasoning.results import ScoredPassage
from services.deadline import Deadline
from services.reasoning.ask import ASK_LIMIT_S

SHORT = 160


@click.command("search", short_help="Find passages by meaning and by words.")
@click.argument("query")
@click.option("-k", "count", type=click.IntRange(1, 100), default=10, show_default=True, help="Passages to give.")
@common
def command(context: CommandContext, query: str, count: int) -> None:
    """The passages that are most like QUERY in meaning and in words, best first."""
    if is_blank(query):
        raise AnnalsError("the query is blank; write some words to search for")
    run_async(lambda: _search(context, query, count))


async def _search(context: CommandContext, query: str, count: int) -> None:
    async with session(context.settings) as opened:
        with context.people.status("searching"):
            service = opened.use_cases.ask
            await service.load()
            found = await service.search(context.caller, query, count, Deadline.after(ASK_LIMIT_S))
    context.give({"passages": [described(passage) for passage in found]})
    for number, passage in enumerate(found, start=1):
        context.say(f"{number:>3}. {passage.title}: {short(passage.text)}")
    if not found:
        context.say("nothing found")


def described(passage: ScoredPassage) -> dict[str, Any]:
    """A passage as --json gives it."""
    return {
        "document_id": passage.document_id,
        "title": passage.title,
        "text": passage.text,
        "score": round(passage.score, 6),
        "chunk_id": passage.chunk_id,
        "start": passage.start,
        "end": passage.end,
    }


def short(text: str) -> str:
    """The beginning of a text, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHORT else line[: SHORT - 3] + "..."
