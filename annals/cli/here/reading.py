"""Documents, entities and histories, over the databases of this installation."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from annals.cli.at import documents_at
from annals.cli.context import CommandContext
from annals.cli.names import names_of
from annals.session import session
from contracts.envelope import DomainEvent
from contracts.undoing import with_undoing
from services.deadline import Deadline
from services.errors import NotFoundError
from services.operations.events import MOST_EVENTS
from services.operations.tracing import TRACE_LIMIT_S, traced
from services.storage.original import Original
from services.storage.show import EntityView

LIMIT_S = 30.0
HISTORY_LIMIT_S = 60.0


async def show(context: CommandContext, given: str, at: str | None) -> dict[str, Any]:
    """A document, else a chunk and what stands around it, else an entity with the edges at it."""
    async with session(context.settings) as opened:
        deadline = Deadline.after(LIMIT_S)
        documents = await documents_at(opened.use_cases, at, deadline)
        found = await documents.show.show(context.caller, names_of(given), deadline)
    if isinstance(found, EntityView):
        return {**found.entity._asdict(), "edges": [asdict(edge) for edge in found.edges]}
    return asdict(found)


async def original(context: CommandContext, given: str) -> Original:
    """The bytes that a document was read from."""
    async with session(context.settings) as opened:
        return await opened.use_cases.storage.original.read(
            context.caller, names_of(given), deadline=Deadline.after(HISTORY_LIMIT_S)
        )


async def history(context: CommandContext, given: str) -> dict[str, Any]:
    """Every event of one aggregate, oldest first; or the corrections of one relation or chunk."""
    deadline = Deadline.after(HISTORY_LIMIT_S)
    async with session(context.settings) as opened:
        history, log = opened.use_cases.storage.history, opened.use_cases.operations.events
        try:
            found = await history.of(context.caller, names_of(given), deadline)
        except NotFoundError as missing:
            try:
                page = await log.of_part(context.caller, given, after=None, limit=MOST_EVENTS, deadline=deadline)
            except NotFoundError:
                raise missing from None
            return {"id": given, "kind": "correction", "events": _told(page.events)}
    return {"id": found.key.aggregate_id, "kind": found.key.kind, "events": _told(found.events)}


def _told(events: Sequence[DomainEvent]) -> list[dict[str, Any]]:
    return with_undoing([event.model_dump(mode="json") for event in events])


async def trace(context: CommandContext, given: str, limit: int, after: str | None) -> dict[str, Any]:
    """What one request led to, a page of its events."""
    async with session(context.settings) as opened:
        operations = opened.use_cases.operations
        found = await operations.traces.trace(
            context.caller, names_of(given), after=after, limit=limit, deadline=Deadline.after(TRACE_LIMIT_S)
        )
        return traced(found, lambda position: operations.positions.shown(context.caller, position))
