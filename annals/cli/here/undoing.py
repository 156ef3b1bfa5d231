"""Undoing a change, over the databases of this installation."""

from typing import Any
from uuid import UUID

from annals.cli.context import CommandContext
from annals.cli.corrections import CORRECT_LIMIT_S
from annals.session import session
from client.decisions import FOLLOW_LIMIT_S
from services.corrections.undoing import undone_as_json
from services.deadline import Deadline


async def undo(context: CommandContext, event_id: UUID, reason: str, wait: bool) -> dict[str, Any]:
    """Undo what this event did. `wait`: until every read model has it."""
    async with session(context.settings, processing=wait) as opened:
        use_cases = opened.use_cases
        undone = await use_cases.corrections.undoing.undo(
            context.caller, event_id, reason=reason, deadline=Deadline.after(CORRECT_LIMIT_S)
        )
        if wait and undone.kind == "document":
            await use_cases.storage.waiting.until_projected(
                context.caller, [undone.aggregate_id], deadline=Deadline.after(CORRECT_LIMIT_S)
            )
        elif wait and undone.position is not None:
            await use_cases.storage.consistency.until(undone.position, deadline=Deadline.after(FOLLOW_LIMIT_S))
        return undone_as_json(undone, lambda position: use_cases.operations.positions.shown(context.caller, position))
