"""`annals search`."""

from typing import Any

import click

from annals.cli.at import at_option
from annals.cli.citing import cited, has_structure
from annals.cli.context import CommandContext, run_async, served
from annals.cli.paging import tell_next
from annals.cli.words import counted, short
from contracts.errors import AnnalsError
from contracts.text import is_blank
from services.search.language import SYNTAX

MODES = ("hybrid", "text", "vector", "graph")


@click.command("search", epilog=SYNTAX)
@click.argument("query", required=False)
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="hybrid",
    show_default=True,
    help="By words (text), by meaning (vector), by both (hybrid), or by nearness in the graph to what QUERY names.",
)
@click.option("--like", metavar="ID", help="What is like this document or passage; QUERY then only limits it.")
@click.option("--facet", "facets", multiple=True, metavar="NAME", help="Count documents by this attribute; repeatable.")
@click.option("-k", "count", type=click.IntRange(1, 100), default=10, show_default=True, help="Passages of a page.")
@click.option("--after", metavar="CURSOR", help="The page behind the one that ended with this cursor.")
@at_option
@served
def command(
    context: CommandContext,
    query: str | None,
    mode: str,
    like: str | None,
    facets: tuple[str, ...],
    count: int,
    after: str | None,
    at: str | None,
) -> None:
    """The passages that are most like QUERY and meet its conditions, best first. No QUERY is a wrong one."""
    if like is None and query is None:
        raise click.UsageError("QUERY is missing, and so is --like")
    query = query or ""
    if like is None and is_blank(query):
        raise AnnalsError("the query is blank; write some words to search for")
    wanted = {"mode": mode, "like": like, "facet": list(facets), "cursor": after, "at": at}
    run_async(lambda: _search(context, query, count, wanted))


async def _search(context: CommandContext, query: str, count: int, wanted: dict[str, Any]) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import searching as here

        found = await here.search(context, query, count, **wanted)
    else:
        from client import asking as there
        from client.gateway import open_gateway

        with context.people.status("searching"):
            async with open_gateway(address) as gateway:
                found = await there.search(gateway, query, count, **wanted)
    context.give(found)
    for number, passage in enumerate(found["passages"], start=1):
        context.say(f"{number:>3}. {passage['title']}: {short(_from_first_highlight(passage))}")
        if has_structure(passage):
            context.say(f"     {cited(passage)}")
    for name, counts in found["facets"].items():
        context.say(f"{name}: " + (", ".join(f"{value} {number}" for value, number in counts.items()) or "nowhere"))
    context.say(counted(found["found"], "passage") + " found" if found["found"] else "nothing found")
    tell_next(context, found["next"])


def _from_first_highlight(passage: dict[str, Any]) -> str:
    """The text from a few words before what shows why it was found."""
    text: str = passage["text"]
    first = next((start for start, _ in passage["highlights"]), 0)
    start = text.rfind(" ", 0, max(0, first - 60)) + 1 if first > 100 else 0
    return f"... {text[start:]}" if start else text
