"""Storing the events of answers: at once where the log takes them in time, else later, in the background."""

import asyncio
import logging
from collections import deque
from functools import partial
from typing import NamedTuple, Protocol

from contracts.envelope import DomainEvent
from eventstore.commands import Command
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.retries import retry_unavailable
from services.deadline import abandon_after
from telemetry import metrics

log = logging.getLogger(__name__)

MOST_PENDING = 256
"""Answers whose events are kept in memory for later."""
RETRY_LIMIT_S = 900.0
"""How long after its answer an event is still tried."""
LONGEST_PAUSE_S = 15.0
CLOSE_LIMIT_S = 10.0


class Appender(Protocol):
    """What stores the events of a command; doing it twice stores them once."""

    async def execute(self, command: Command) -> list[DomainEvent]:
        """Raises StoreUnavailableError."""
        ...


class _Pending(NamedTuple):
    command: Command
    until: float


class Recorder(Protocol):
    """Where answers' events go. `lost` counts those that will not be stored."""

    lost: int

    async def record(self, command: Command, within_s: float) -> bool:
        """Whether the log has the events within `within_s`."""
        ...

    async def close(self) -> None:
        """Store what is still to be stored, within a limit."""
        ...


class NothingRecorded:
    """For answers that are not knowledge of today."""

    lost = 0

    async def record(self, command: Command, within_s: float) -> bool:
        """It is not recorded."""
        return False

    async def close(self) -> None:
        """Nothing is left."""


class AnswerRecorder:
    """`lost` counts the events that were given up: too many, too old, or not stored at the end."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender
        self._pending: deque[_Pending] = deque()
        self._worker: asyncio.Task[None] | None = None
        self.lost = 0

    async def record(self, command: Command, within_s: float) -> bool:
        """Whether the log has the events within `within_s`; where not, they are stored later.

        A log that others wait for already is not waited for.
        """
        if not self._pending:
            try:
                await abandon_after(within_s, self._appender.execute(command))
                return True
            except (StoreUnavailableError, TimeoutError) as error:
                log.warning("an answer is recorded later, the log does not take it now: %s", reason_of(error))
        self._later(command)
        return False

    def _later(self, command: Command) -> None:
        if len(self._pending) >= MOST_PENDING:
            self._give_up(1, f"{MOST_PENDING} others wait already")
            return
        self._pending.append(_Pending(command, asyncio.get_running_loop().time() + RETRY_LIMIT_S))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._store())

    async def _store(self) -> None:
        while self._pending:
            command, until = self._pending[0]
            try:
                await retry_unavailable(
                    partial(self._appender.execute, command),
                    limit_s=max(0.0, until - asyncio.get_running_loop().time()),
                    longest_pause_s=LONGEST_PAUSE_S,
                )
            except Exception as error:  # one that cannot be stored holds up no other
                self._give_up(1, reason_of(error))
            self._pending.popleft()

    async def close(self) -> None:
        """Try what is left once more, for CLOSE_LIMIT_S at most; what is not stored then is counted and said."""
        if self._worker is not None:
            self._worker.cancel()
        reason = f"not stored within {CLOSE_LIMIT_S:g} s"
        try:
            await abandon_after(CLOSE_LIMIT_S, self._once_more())
        except TimeoutError:
            pass
        except Exception as error:  # whatever it was: what is left is lost
            reason = reason_of(error)
        if self._pending:
            self._give_up(len(self._pending), reason)
            self._pending.clear()

    async def _once_more(self) -> None:
        if self._worker is not None:
            await asyncio.wait({self._worker})
        while self._pending:
            await self._appender.execute(self._pending[0].command)
            self._pending.popleft()

    def _give_up(self, count: int, reason: str) -> None:
        self.lost += count
        metrics.ANSWERS_LOST.inc(count)
        log.error("events of answers that are not in the log and will not be: %d (%s)", count, reason)
