"""`annals chunk`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from annals.cli.calls import look_up
from annals.cli.context import CommandContext, served
from annals.cli.corrections import correct, reason
from annals.cli.paging import of_gateway, paged, tell_next
from client.decisions import Request
from client.gateway import segment
from services.deadline import Deadline

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases

SHOWN = 80


@click.group("chunk")
def command() -> None:
    """How a text was cut, and what people decide on it.

    A correction stays when its document is taken in again with the same text in that place. Where it has it no more the
    correction is orphaned (`annals chunk orphaned`) until it has it again.
    """


@command.command("list")
@click.argument("document")
@paged
@served
def list_(context: CommandContext, document: str, limit: int, after: str | None) -> None:
    """The chunks of the DOCUMENT of this id, with their ids and bounds in characters."""

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        page = await use_cases.storage.parts.chunks(
            context.caller, document, after=after, limit=limit, deadline=deadline
        )
        return {"chunks": [asdict(one) for one in page.chunks], "next": page.next}

    path = f"/documents/{segment(document)}/chunks"
    page = look_up(context, here, path, limit=of_gateway(limit), cursor=after)
    context.give(page)
    for one in page["chunks"]:
        text = " ".join((one["text"] or "").split())
        context.say(f"{one['chunk_id']}  {one['start']}-{one['end']}  {text[:SHOWN]}")
    tell_next(context, page["next"])


@command.command("orphaned")
@paged
@served
def orphaned(context: CommandContext, limit: int, after: str | None) -> None:
    """Corrections of chunks whose text no document has any more, a page at a time."""

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        page = await use_cases.corrections.chunks.orphaned(context.caller, after=after, limit=limit, deadline=deadline)
        return {"orphaned": [one.told() for one in page.orphaned], "next": page.next}

    page = look_up(context, here, "/orphaned/chunks", limit=of_gateway(limit), cursor=after)
    context.give(page)
    for one in page["orphaned"]:
        context.say(f"{one['chunk_id']}  was in {one['document_id']}")
    if not page["orphaned"]:
        context.say("no orphaned corrections")
    tell_next(context, page["next"])


@command.command("update")
@click.argument("id")
@click.option("--start", type=click.IntRange(min=0), required=True, help="First character, of the document's text.")
@click.option("--end", type=click.IntRange(min=1), required=True, help="The character behind the last one.")
@reason
@served
def update(context: CommandContext, id: str, start: int, end: int, reason: str | None) -> None:
    """Give the chunk of this ID other bounds. It gets another id, and is embedded; nothing else is run again."""
    correct(
        context,
        "now it is chunk",
        lambda service, deadline: service.chunks.update(
            context.caller, id, start=start, end=end, reason=reason, deadline=deadline
        ),
        Request("PATCH", f"/chunks/{segment(id)}", {"start": start, "end": end, "reason": reason}),
    )


@command.command("merge")
@click.argument("ids", nargs=-1, required=True)
@reason
@served
def merge(context: CommandContext, ids: Sequence[str], reason: str | None) -> None:
    """Make one chunk of those of these IDS, which lie next to each other. It is embedded; nothing else is run again."""
    correct(
        context,
        "now they are chunk",
        lambda service, deadline: service.chunks.merge(context.caller, ids, reason=reason, deadline=deadline),
        Request("POST", "/chunks/merge", {"chunk_ids": list(ids), "reason": reason}),
    )


@command.command("undo")
@click.argument("id")
@reason
@served
def undo(context: CommandContext, id: str, reason: str | None) -> None:
    """Undo the correction that made the chunk of this ID: those before it are there again."""
    correct(
        context,
        "undone",
        lambda service, deadline: service.chunks.undo(context.caller, id, reason=reason, deadline=deadline),
        Request("POST", f"/chunks/{segment(id)}/undo", {"reason": reason}),
    )
