"""`annals entities`."""

from dataclasses import asdict

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S, paged, tell_next
from annals.cli.words import counted
from annals.session import session
from projections.relational.reads import EntityFilter
from services.deadline import Deadline


@click.command("entities", short_help="What documents speak of, by name and type.")
@click.argument("prefix", default="")
@click.option("--type", "type_", metavar="TYPE", help="Their type: PERSON, ORG, GPE and so on.")
@paged
@common
def command(context: CommandContext, prefix: str, type_: str | None, limit: int, after: str | None) -> None:
    """The entities whose names begin with PREFIX, by name, a page at a time; without it, all.

    Upper and lower case are the same. `annals show NAME` tells what the documents say of one.
    """
    run_async(lambda: _entities(context, EntityFilter(type_, prefix), limit, after))


async def _entities(context: CommandContext, wanted: EntityFilter, limit: int, after: str | None) -> None:
    async with session(context.settings) as opened:
        page = await opened.use_cases.storage.listing.entities(
            context.caller, wanted, after=after, limit=limit, deadline=Deadline.after(LIMIT_S)
        )
    context.give({"entities": [asdict(entity) for entity in page.entities], "next": page.next})
    for one in page.entities:
        mentions, documents = counted(one.mentions, "mention"), counted(one.documents, "document")
        context.say(f"{one.name} ({one.type or 'of no known type'}), {mentions} in {documents}")
    if not page.entities:
        context.say("no entities" if wanted == EntityFilter() and after is None else "no such entities")
    tell_next(context, page.next)
