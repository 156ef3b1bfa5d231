"""Questions to a generation of the past, for commands; who asks over HTTP goes by the reasoning service."""

from services.caller import Caller
from services.deadline import Deadline
from services.past.reads import PastReads
from services.reasoning.ask import AskResult


class AskPast:
    """Raises what `PastReads` and `AskService` raise."""

    def __init__(self, reads: PastReads) -> None:
        self._reads = reads

    async def ask(self, caller: Caller, at: str, question: str, k: int, *, deadline: Deadline) -> AskResult:
        """An answer from what was known then; it is in no log and no cache."""
        caller.require("reasoning", "execute")
        reads = await self._reads.of(at, deadline=deadline)
        return await reads.ask.ask(caller, question, k, deadline)
