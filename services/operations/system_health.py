"""How parts of the system fare: an event where that changes (specification 2.1, SystemHealthChanged)."""

from aggregates import system
from aggregates.system import SystemPart
from contracts.system import Health
from eventstore.commands import Command, Commands
from eventstore.keys import AggregateKey
from services.caller import Caller
from services.deadline import Deadline


class SystemHealth:
    """A part is healthy until somebody says otherwise."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    async def report(self, caller: Caller, part: str, health: Health, detail: str | None, deadline: Deadline) -> bool:
        """Whether that is news, and so an event.

        Raises AccessDeniedError, StoreUnavailableError, ConflictError, DeadlineExceededError.
        """
        caller.require("system", "write")
        cause = caller.cause(f"health-{part}")
        command = Command(
            AggregateKey(caller.tenant, "system", part),
            SystemPart.project,
            lambda state: system.change_health(state, part, health, detail, cause),
        )
        async with deadline.enforce("recording the health of a part"):
            return bool(await self._commands.execute(command))
