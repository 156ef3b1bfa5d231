"""`annals delete`."""

import sys
from uuid import uuid4

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.names import names_of
from annals.session import session
from services.deadline import Deadline
from services.storage.waiting import WAIT_LIMIT_S

LIMIT_S = 60.0


@click.command("delete", short_help="Delete documents from every read model.")
@click.argument("ids", nargs=-1, required=True)
@click.option("--reason", help="Why, kept with the event.")
@common
def command(context: CommandContext, ids: tuple[str, ...], reason: str | None) -> None:
    """Delete the documents of these IDS (or paths); returns once they are gone from every read model."""
    if not run_async(lambda: _delete(context, ids, reason)):
        sys.exit(1)


async def _delete(context: CommandContext, ids: tuple[str, ...], reason: str | None) -> bool:
    async with session(context.settings, processing=True) as opened:
        storage = opened.use_cases.storage
        deletion = await storage.deletion.delete(
            context.caller,
            [names_of(given) for given in ids],
            reason=reason,
            correlation_id=f"delete-{uuid4()}",
            deadline=Deadline.after(LIMIT_S),
        )
        awaited = await storage.waiting.until_projected(
            context.caller, deletion.all, deadline=Deadline.after(WAIT_LIMIT_S)
        )
    for document_id in deletion.deleted:
        context.say(f"deleted {document_id}")
    for document_id in deletion.already:
        context.say(f"{document_id} was deleted before")
    for document_id, cause in awaited.failed.items():
        context.note(f"deleted {document_id}, but a read model still has it: {cause} (see: annals dead-letters list)")
    context.give({"deleted": list(deletion.deleted), "already": list(deletion.already), "failed": awaited.failed})
    return not awaited.failed
