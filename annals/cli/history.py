"""`annals history`."""

import json

import click

from annals.cli.context import CommandContext, common, run_async
from annals.cli.names import names_of
from annals.session import session
from services.deadline import Deadline

LIMIT_S = 60.0


@click.command("history", short_help="What happened to a document, entity or question.")
@click.argument("id")
@common
def command(context: CommandContext, id: str) -> None:
    """Show every event of the aggregate ID, oldest first: a document's path or id, an entity's or a question's id."""
    run_async(lambda: _history(context, id))


async def _history(context: CommandContext, given: str) -> None:
    async with session(context.settings) as opened:
        history = await opened.use_cases.storage.history.of(context.caller, names_of(given), Deadline.after(LIMIT_S))
    key, events = history.key, history.events
    context.give(
        {"id": key.aggregate_id, "kind": key.kind, "events": [event.model_dump(mode="json") for event in events]}
    )
    context.say(f"{key.kind} {key.aggregate_id}")
    for event in events:
        data = json.dumps(event.event_data.model_dump(mode="json"), ensure_ascii=False)
        shown = data if len(data) <= 100 else data[:97] + "..."
        when = event.timestamp.strftime("%Y-%m-%d %H:%M:%S")
        context.say(f"  {event.aggregate_version:>3}  {when}  {event.event_type:<24} {event.metadata.actor:<8} {shown}")
