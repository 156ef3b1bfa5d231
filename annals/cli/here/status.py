"""The status, asked of the databases and the broker themselves."""

from dataclasses import asdict
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


async def past(context: CommandContext, name: str) -> dict[str, Any]:
    """A generation of the past, and how much there is in it."""
    # All use cases, which the status of today does without.
    from annals.session import session

    async with session(context.settings) as opened:
        found = await opened.use_cases.past.status(context.caller, name, deadline=Deadline.after(STATUS_LIMIT_S))
    generation = found.generation
    times = {"recorded_at": generation.recorded_at, "expires_at": generation.expires_at}
    return {
        "name": name,
        "position": generation.position,
        **{key: None if time is None else time.isoformat() for key, time in times.items()},
        **asdict(found.counts),
    }
