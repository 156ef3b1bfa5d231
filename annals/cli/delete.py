"""`annals delete`."""

import sys
from uuid import uuid4

import click

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Decision, Document
from annals.cli.context import CommandContext, common, run_async
from annals.lookup import find_aggregate
from annals.session import session
from annals.waiting import until_projected
from contracts.envelope import EventMetadata
from eventstore.commands import Command


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
        services = opened.services
        keys = list(dict.fromkeys([await find_aggregate(services, given, ["document"]) for given in ids]))
        metadata = EventMetadata(tenant=context.settings.tenant, actor=context.settings.actor, source="cli")
        correlation = f"delete-{uuid4()}"
        appended = await services.commands.execute_many(
            [Command(key, Document.project, _decision(reason, Cause(metadata, correlation))) for key in keys]
        )
        awaited = await until_projected(services, [key.aggregate_id for key in keys])
    deleted = [key.aggregate_id for key, events in zip(keys, appended, strict=True) if events]
    already = [key.aggregate_id for key, events in zip(keys, appended, strict=True) if not events]
    for document_id in deleted:
        context.say(f"deleted {document_id}")
    for document_id in already:
        context.say(f"was deleted before: {document_id}")
    for document_id, cause in awaited.failed.items():
        context.note(f"still in a read model {document_id}: {cause} (see: annals dead-letters list)")
    context.give({"deleted": deleted, "already": already, "failed": awaited.failed})
    return not awaited.failed


def _decision(reason: str | None, cause: Cause) -> Decision:
    return lambda document: documents.delete(document, reason, cause)
