"""Taking documents in for somebody who is there: as the intake does it for producers."""

from collections.abc import Sequence

from services.caller import Caller
from services.deadline import Deadline
from services.storage.intake import Intake, Outcome, Submission


class TakeDocuments:
    """Of one caller, many at once."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def check(self, name: str, text: str) -> None:
        """Raises DocumentTooLargeError."""
        self._intake.check(name, text)

    async def take(self, caller: Caller, submissions: Sequence[Submission], deadline: Deadline) -> list[Outcome]:
        """As `Intake.take`. Raises AccessDeniedError, and what that raises."""
        caller.require("documents", "write")
        return await self._intake.take(submissions, deadline)
