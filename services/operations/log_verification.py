"""Whether the log is what was appended, event by event: its chain of hashes, made anew."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eventstore.chained_events import BEGINNING, ChainedEvents
from security.event_chain import ChainedEvent, LogCheck, LogFault
from services.caller import Caller
from services.deadline import Deadline

VERIFY_LIMIT_S = 86_400.0
"""What an edge grants."""


@dataclass(frozen=True, slots=True)
class VerifiedLog:
    """How many events are as they were appended, the last of these and its hash, and what is wrong behind it."""

    checked: int
    position: int
    head: bytes
    fault: LogFault | None


class VerifyLog:
    """Of every tenant, so for the operator. Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, events: ChainedEvents) -> None:
        self._events = events

    async def count(self, caller: Caller, *, deadline: Deadline) -> int:
        """How many events there are to be looked at."""
        caller.require("system", "administer")
        async with deadline.enforce("counting events"):
            return await self._events.count()

    async def verify(self, caller: Caller, report: Callable[[int], None], *, deadline: Deadline) -> VerifiedLog:
        """All of the log, page by page, up to the first fault; `report` is told how many events are checked."""
        caller.require("system", "administer")
        check = LogCheck()
        async with deadline.enforce("verifying the log"):
            behind = BEGINNING
            while check.fault is None and (page := await self._events.after(behind)):
                await asyncio.to_thread(_take, check, page)
                behind = page[-1].position
                report(check.checked)
        return VerifiedLog(check.checked, check.position, check.head, check.fault)


def _take(check: LogCheck, page: Sequence[ChainedEvent]) -> None:
    for event in page:
        check.take(event)
