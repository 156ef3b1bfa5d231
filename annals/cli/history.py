"""`annals history`."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from annals.cli.context import CommandContext, run_async, served
from annals.cli.names import names_of


@click.command("history")
@click.argument("id")
@served
def command(context: CommandContext, id: str) -> None:
    """Show every event of the aggregate ID, oldest first: a document's path or id, an entity's or a question's id; or
    what was corrected of a relation or chunk, by its id.

    With the time when each was recorded here; its producer's own time is given where it is another second. What can be
    undone is given with its id, for `annals undo`, and what was undone with the event that did it.
    """
    run_async(lambda: _history(context, id))


async def _history(context: CommandContext, given: str) -> None:
    address = context.gateway()
    if address is None:
        from annals.cli.here import reading as here

        found = await here.history(context, given)
    else:
        from client import reading as there
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            found = await there.history(gateway, names_of(given))
    context.give(found)
    context.say(f"{found['kind']} {found['id']}")
    for event in found["events"]:
        data = json.dumps(event["event_data"], ensure_ascii=False)
        shown = data if len(data) <= 100 else data[:97] + "..."
        when, said = _seconds(event["recorded_at"]), _seconds(event["timestamp"])
        actor = event["metadata"]["actor"]
        line = f"  {event['aggregate_version']:>3}  {when}  {event['event_type']:<24} {actor:<8} {shown}"
        context.say(line if said == when else f"{line}  (its own time: {said})")
        for more in _undoing(event):
            context.say(f"       {more}")


def _undoing(event: Mapping[str, Any]) -> Iterator[str]:
    if event["undoes"] is not None:
        yield f"undoes {event['undoes']}"
    if event["undone_by"] is not None:
        yield f"{event['event_id']}, undone by {event['undone_by']}"
    elif event["can_be_undone"] and event["undoes"] is None:
        yield f"undo with: annals undo {event['event_id']} --reason ..."


def _seconds(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
