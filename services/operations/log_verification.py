"""Whether the log is what was appended, event by event: its chain of hashes, made anew, and its checkpoints."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eventstore.chained_events import BEFORE_ALL, ChainedEvents
from eventstore.checkpoints import Checkpoints
from security.checkpoints import Checkpoint, SignedCheck
from security.event_chain import ChainedEvent, LogCheck, LogFault
from services.caller import Caller
from services.deadline import Deadline

VERIFY_LIMIT_S = 86_400.0
"""What an edge grants."""


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """How many events are as they were appended, the last of these and its hash, with how many checkpoints they agree,
    and what is wrong behind it."""

    checked: int
    position: int
    head: bytes
    checkpoints: int
    fault: LogFault | None


class VerifyLog:
    """Of every tenant, so for the operator. Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, events: ChainedEvents, checkpoints: Checkpoints) -> None:
        self._events, self._checkpoints = events, checkpoints

    async def count(self, caller: Caller, *, deadline: Deadline) -> int:
        """How many events there are to be looked at."""
        caller.require("system", "administer")
        async with deadline.enforce("counting events"):
            return await self._events.count()

    async def verify(
        self,
        caller: Caller,
        report: Callable[[int], None],
        *,
        outside: Sequence[Checkpoint] = (),
        deadline: Deadline,
    ) -> VerifiedLog:
        """All of the log, page by page, up to the first fault; `report` is told how many events are checked.

        Compared with the checkpoints of the database, and with those that were kept `outside` of it.
        """
        caller.require("system", "administer")
        check, behind = LogCheck(), BEFORE_ALL
        async with deadline.enforce("verifying the log"):
            signed = SignedCheck([*await self._checkpoints.all(), *outside])
            while check.fault is None and signed.fault is None and (page := await self._events.after(behind)):
                await asyncio.to_thread(_take, check, signed, page)
                report(check.checked)
                behind = page[-1].position
        fault = signed.fault or check.fault or signed.end(check.position)
        return VerifiedLog(check.checked, check.position, check.head, signed.agreed, fault)


def _take(check: LogCheck, signed: SignedCheck, page: Sequence[ChainedEvent]) -> None:
    for event in page:
        check.take(event)
        if check.fault is not None:
            return
        signed.take(event.position, event.hash)
        if signed.fault is not None:
            return
