"""`annals search`."""

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.words import short
from contracts.errors import AnnalsError
from contracts.text import is_blank


@click.command("search", short_help="Find passages by meaning and by words.")
@click.argument("query")
@click.option("-k", "count", type=click.IntRange(1, 100), default=10, show_default=True, help="Passages to give.")
@served
def command(context: CommandContext, query: str, count: int) -> None:
    """The passages that are most like QUERY in meaning and in words, best first."""
    if is_blank(query):
        raise AnnalsError("the query is blank; write some words to search for")
    run_async(lambda: _search(context, query, count))


async def _search(context: CommandContext, query: str, count: int) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import asking as here

        found = await here.search(context, query, count)
    else:
        from client import asking as there
        from client.gateway import open_gateway

        with context.people.status("searching"):
            async with open_gateway(address) as gateway:
                found = await there.search(gateway, query, count)
    context.give(found)
    for number, passage in enumerate(found["passages"], start=1):
        context.say(f"{number:>3}. {passage['title']}: {short(passage['text'])}")
    if not found["passages"]:
        context.say("nothing found")
