"""Taking documents in for somebody who is there: as the intake does it for producers."""

from collections.abc import Mapping, Sequence

from eventstore.originals import OriginalStore
from services.caller import Caller
from services.deadline import Deadline
from services.storage.intake import Intake, Outcome, Submission


class TakeDocuments:
    """Of one caller, many at once."""

    def __init__(self, intake: Intake, originals: OriginalStore) -> None:
        self._intake = intake
        self._originals = originals

    def check(self, name: str, text: str) -> None:
        """Raises DocumentTooLargeError."""
        self._intake.check(name, text)

    async def take(
        self,
        caller: Caller,
        submissions: Sequence[Submission],
        deadline: Deadline,
        *,
        originals: Mapping[str, bytes] | None = None,
    ) -> list[Outcome]:
        """As `Intake.take`; `originals`: the bytes that a document of this id was read from, to be kept.

        Raises AccessDeniedError, and what that raises.
        """
        caller.require("documents", "write")
        await self._keep(submissions, originals or {}, deadline)
        return await self._intake.take(submissions, deadline)

    async def _keep(
        self, submissions: Sequence[Submission], originals: Mapping[str, bytes], deadline: Deadline
    ) -> None:
        """Before the log names them."""
        async with deadline.enforce("keeping originals"):
            for one in submissions:
                if one.document_id in originals:
                    await self._originals.put(one.metadata.tenant, one.document_id, originals[one.document_id])
