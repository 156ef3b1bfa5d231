"""`annals list`."""

import json
import math
from dataclasses import asdict
from typing import Any

import click

from annals.cli.at import at_option, documents_at
from annals.cli.context import CommandContext, common, run_async
from annals.cli.paging import LIMIT_S, paged, tell_next
from annals.session import session
from projections.relational.reads import DocumentFilter
from services.deadline import Deadline

STATES = ("ingested", "chunked", "extracted", "related", "processed")


@click.command("list")
@click.option("--state", type=click.Choice(STATES), help="How far they are.")
@click.option(
    "--attribute", "attributes", multiple=True, metavar="NAME=VALUE", help="An attribute that they have; repeatable."
)
@click.option("--language", metavar="CODE", help="The language of their text, as de; told when they are taken in.")
@click.option("--title", "title_prefix", default="", metavar="PREFIX", help="What their titles begin with.")
@click.option("--id", "id_prefix", default="", metavar="PREFIX", help="What their ids begin with.")
@paged
@at_option
@common
def command(
    context: CommandContext,
    state: str | None,
    attributes: tuple[str, ...],
    language: str | None,
    title_prefix: str,
    id_prefix: str,
    limit: int,
    after: str | None,
    at: str | None,
) -> None:
    """The documents that meet all of these conditions, by id, a page at a time.

    The id of a file is its absolute path. Upper and lower case are the same in titles, not in ids. A VALUE that is
    a number, true or false is looked for as that and as text.
    """
    if language is not None:
        attributes = (*attributes, f"language={language}")
    wanted = DocumentFilter(state, id_prefix, title_prefix, _attributes(attributes))
    run_async(lambda: _list(context, wanted, limit, after, at))


async def _list(context: CommandContext, wanted: DocumentFilter, limit: int, after: str | None, at: str | None) -> None:
    async with session(context.settings) as opened:
        deadline = Deadline.after(LIMIT_S)
        documents = await documents_at(opened.use_cases, at, deadline)
        page = await documents.listing.documents(context.caller, wanted, after=after, limit=limit, deadline=deadline)
    context.give({"documents": [asdict(document) for document in page.documents], "next": page.next})
    for one in page.documents:
        context.say(f"{one.stage:<9}  {one.taken_at:%Y-%m-%d %H:%M}  {one.document_id}  {one.title}")
    if not page.documents:
        context.say("no documents" if wanted == DocumentFilter() and after is None else "no such documents")
    tell_next(context, page.next)


def _attributes(given: tuple[str, ...]) -> dict[str, list[Any]]:
    """What each attribute may be. Raises UsageError."""
    wanted: dict[str, list[Any]] = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not name or not sign:
            raise click.UsageError(f"--attribute {one!r} is not NAME=VALUE")
        if name in wanted:
            raise click.UsageError(f"--attribute {name!r} is given twice; a document has one value of each")
        wanted[name] = values_of(value)
    return wanted


def values_of(text: str) -> list[Any]:
    """The text itself and, where it spells a number, true or false, that one."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    plain = isinstance(read, bool | int) or (isinstance(read, float) and math.isfinite(read))
    return [text, read] if plain else [text]
