"""`annals review`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from annals.cli.calls import look_up
from annals.cli.context import CommandContext, served
from services.deadline import Deadline
from services.knowledge.review import MOST

if TYPE_CHECKING:
    from annals.composition.use_cases import UseCases


@click.command("review")
@click.option("--kind", type=click.Choice(("entity", "relation")), help="Entities or relations alone.")
@click.option("--limit", type=click.IntRange(1, MOST), default=20, show_default=True, help="How many.")
@served
def command(context: CommandContext, kind: Any, limit: int) -> None:
    """Entities and relations that nobody judged yet, the least sure first, each with the commands that judge it.

    An entity is as sure as its surest mention. What was validated, rejected or merged is not shown again; `annals show
    CHUNK` prints where one stands.
    """

    async def here(use_cases: "UseCases", deadline: Deadline) -> dict[str, Any]:
        found = await use_cases.knowledge.review.least_sure(context.caller, kind=kind, limit=limit, deadline=deadline)
        return {"items": [asdict(one) for one in found]}

    found = look_up(context, here, "/review", kind=kind, limit=limit)
    context.give(found)
    for one in found["items"]:
        context.say(f"{one['confidence']:.2f}  {one['kind']}  {one['what']}")
        context.say(f"      {one['document_id']}; annals show {one['chunk_id']}")
        context.say(f"      {' | '.join(one['todo'])}")
    if not found["items"]:
        context.say("nothing is left to be judged")
