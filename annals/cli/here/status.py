"""The status, asked of the databases and the broker themselves."""

from typing import Any

from annals.cli.context import CommandContext
from annals.composition.operations import status_of
from annals.installation import installation
from annals.supervision.state import State
from services.deadline import Deadline
from services.operations.status import STATUS_LIMIT_S, as_json


async def status(context: CommandContext) -> tuple[dict[str, Any], State | None]:
    """What there is, and what runs: None where this command started that for itself."""
    async with installation(context.settings) as found:
        addresses = found.state.addresses
        service = status_of(found.settings, addresses["postgres"], addresses.get("broker"))
        read = await service.read(context.caller, deadline=Deadline.after(STATUS_LIMIT_S))
    return as_json(read), None if found.own else found.state
