"""`annals undo`."""

from typing import Any
from uuid import UUID

import click

from annals.cli.context import CommandContext, run_async, served

NOUNS = {"document": "document", "entity": "entity", "reasoning_query": "question"}


@click.command("undo")
@click.argument("event_id", type=click.UUID)
@click.option("--reason", required=True, help="Why, kept with the event.")
@click.option("--wait", is_flag=True, help="Return once every read model has it; works where the databases are.")
@served
def command(context: CommandContext, event_id: UUID, reason: str, wait: bool) -> None:
    """Have things as they were before the event EVENT_ID: a document's deletion or update, a correction of a chunk, a
    relation or a chain, a decision on an entity. `annals history` gives the ids.

    It is a new event, with your reason. Where something newer lies upon the change, that is undone first. A document
    has its text back exactly and is processed again, without a model running that has seen it. What was erased stays
    erased.
    """
    if wait:
        context.here("--wait")
    run_async(lambda: _undo(context, event_id, reason, wait))


async def _undo(context: CommandContext, event_id: UUID, reason: str, wait: bool) -> None:
    address = context.gateway()
    found: dict[str, Any]
    if address is None:
        from annals.cli.here import undoing as here

        found = await here.undo(context, event_id, reason, wait)
    else:
        from client.gateway import open_gateway

        async with open_gateway(address) as gateway:
            found = await gateway.send("POST", f"/events/{event_id}/undo", json={"reason": reason})
    context.give(found)
    context.say(f"undone: {found['event_type']} of {NOUNS[found['kind']]} {found['aggregate_id']}")
