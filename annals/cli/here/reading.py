"""Showing, over the databases of this installation."""

from dataclasses import asdict
from typing import Any

from annals.cli.context import CommandContext
from annals.cli.names import names_of
from annals.session import session
from services.deadline import Deadline
from services.storage.show import EntityView

LIMIT_S = 30.0


async def show(context: CommandContext, given: str) -> dict[str, Any]:
    """A document, else an entity with the edges at it."""
    async with session(context.settings) as opened:
        found = await opened.use_cases.storage.show.show(context.caller, names_of(given), Deadline.after(LIMIT_S))
    if isinstance(found, EntityView):
        return {**found.entity._asdict(), "edges": [asdict(edge) for edge in found.edges]}
    return asdict(found)
