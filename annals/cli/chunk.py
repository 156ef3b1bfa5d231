"""`annals chunk`."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from annals.cli.calls import ask
from annals.cli.context import CommandContext, common
from annals.cli.corrections import correct, look, reason
from annals.cli.paging import paged, tell_next

SHOWN = 80


@click.group("chunk", short_help="Chunks of a document: list, update, merge, undo.")
def command() -> None:
    """How a text was cut, and what people decide on it.

    A correction stays when its document is taken in again with the same text in that place. Where it has it no more the
    correction is orphaned (`annals chunk orphaned`) until it has it again.
    """


@command.command("list")
@click.argument("document")
@paged
@common
def list_(context: CommandContext, document: str, limit: int, after: str | None) -> None:
    """The chunks of the DOCUMENT of this id, with their ids and bounds in characters."""
    page = ask(
        context,
        lambda use_cases, deadline: use_cases.storage.parts.chunks(
            context.caller, document, after=after, limit=limit, deadline=deadline
        ),
        read_models=True,
    )
    context.give({"chunks": [asdict(one) for one in page.chunks], "next": page.next})
    for one in page.chunks:
        text = " ".join((one.text or "").split())
        context.say(f"{one.chunk_id}  {one.start}-{one.end}  {text[:SHOWN]}")
    tell_next(context, page.next)


@command.command("orphaned")
@common
def orphaned(context: CommandContext) -> None:
    """Corrections of chunks whose text no document has any more."""
    found = look(context, lambda service, deadline: service.chunks.orphaned(context.caller, deadline=deadline))
    context.give(
        {
            "orphaned": [
                {
                    "document_id": one.document_id,
                    "chunk_id": one.correction.chunk.chunk_id,
                    "replaced": [gone.chunk_id for gone in one.correction.gone],
                    "reason": one.correction.reason,
                }
                for one in found
            ]
        }
    )
    for one in found:
        context.say(f"{one.correction.chunk.chunk_id}  was in {one.document_id}")
    if not found:
        context.say("no orphaned corrections")


@command.command("update")
@click.argument("id")
@click.option("--start", type=click.IntRange(min=0), required=True, help="First character, of the document's text.")
@click.option("--end", type=click.IntRange(min=1), required=True, help="The character behind the last one.")
@reason
@common
def update(context: CommandContext, id: str, start: int, end: int, reason: str | None) -> None:
    """Give the chunk of this ID other bounds. It gets another id, and is embedded; nothing else is run again."""
    correct(
        context,
        "now it is chunk",
        lambda service, deadline: service.chunks.update(
            context.caller, id, start=start, end=end, reason=reason, deadline=deadline
        ),
    )


@command.command("merge")
@click.argument("ids", nargs=-1, required=True)
@reason
@common
def merge(context: CommandContext, ids: Sequence[str], reason: str | None) -> None:
    """Make one chunk of those of these IDS, which lie next to each other. It is embedded; nothing else is run again."""
    correct(
        context,
        "now they are chunk",
        lambda service, deadline: service.chunks.merge(context.caller, ids, reason=reason, deadline=deadline),
    )


@command.command("undo")
@click.argument("id")
@reason
@common
def undo(context: CommandContext, id: str, reason: str | None) -> None:
    """Undo the correction that made the chunk of this ID: those before it are there again."""
    correct(
        context,
        "undone",
        lambda service, deadline: service.chunks.undo(context.caller, id, reason=reason, deadline=deadline),
    )
