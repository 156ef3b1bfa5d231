"""The audit log as other parts use it: entries are gathered for a moment and stored together, in order."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from eventstore.audit_entries import AuditEntries
from eventstore.errors import AuditUnavailableError, StoreUnavailableError
from security.audit import AuditEntry, AuditLevel, is_kept
from telemetry.metrics import AUDIT_ENTRIES, AUDIT_FAILURES

log = logging.getLogger(__name__)

QUEUE_ENTRIES = 10_000
"""Waiting to be stored, at most; whoever has one more waits, too."""
BATCH_ENTRIES = 500
GATHER_S = 0.1
"""For so long an entry that need not be durable waits for others."""
WAIT_S = 10.0
"""After so long an entry that is not stored, or finds no room, is given up by whoever has it."""
CLOSE_S = 10.0
RETRY_S = (0.1, 5.0)
"""Between tries while the database is away: the first and the longest pause, doubling, with jitter."""


@dataclass(slots=True)
class _Waiting:
    entry: AuditEntry
    stored: asyncio.Future[None] | None
    id: UUID = field(default_factory=uuid4)


class AuditWriter:
    """`security.audit.AuditLog` in PostgreSQL. `open_audit` makes one."""

    def __init__(self, entries: AuditEntries, level: AuditLevel) -> None:
        self._entries, self._level = entries, level
        self._queue = asyncio.Queue[_Waiting | None](QUEUE_ENTRIES)
        self._urgent = asyncio.Event()
        self._closing = False

    async def record(self, entry: AuditEntry) -> None:
        """See AuditLog. Raises AuditUnavailableError."""
        if not is_kept(entry, self._level):
            return
        if self._closing:
            raise AuditUnavailableError()
        stored = asyncio.get_running_loop().create_future() if entry.durable else None
        waiting = _Waiting(entry.as_plain(), stored)
        if stored is None and not self._queue.full():
            self._queue.put_nowait(waiting)
            if self._queue.qsize() >= BATCH_ENTRIES:
                self._urgent.set()
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._queue.put(waiting)
                if stored is not None:
                    self._urgent.set()
                    await stored
        except TimeoutError:
            raise AuditUnavailableError() from None

    async def write(self) -> None:
        """Store what is recorded, in batches, until `close`."""
        ended = False
        while not ended and (first := await self._queue.get()) is not None:
            batch = [first]
            if self._queue.qsize() < BATCH_ENTRIES:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GATHER_S):
                        await self._urgent.wait()
            self._urgent.clear()
            while len(batch) < BATCH_ENTRIES and not self._queue.empty():
                following = self._queue.get_nowait()
                if following is None:
                    ended = True
                    break
                batch.append(following)
            if not self._queue.empty():
                self._urgent.set()
            await self._store(batch)

    async def close(self) -> None:
        """Take no more; `write` ends once all is stored."""
        self._closing = True
        self._urgent.set()
        await self._queue.put(None)

    async def _store(self, batch: Sequence[_Waiting]) -> None:
        """Store a batch, however long the database is away; an entry that it refuses is left out."""
        try:
            await self._append(batch)
        except Exception as error:  # a defect of ours: the other entries shall not go with it
            if len(batch) > 1:
                for waiting in batch:
                    await self._store([waiting])
                return
            log.exception("an audit entry cannot be stored: %s", batch[0].entry)
            AUDIT_FAILURES.inc()
            _tell(batch, AuditUnavailableError(f"the audit log refuses an entry: {error}; see the log"))
            return
        for waiting in batch:
            AUDIT_ENTRIES.labels(waiting.entry.category, waiting.entry.outcome).inc()
        _tell(batch, None)

    async def _append(self, batch: Sequence[_Waiting]) -> None:
        pause, again = RETRY_S[0], False
        while True:
            try:
                await self._entries.append([(waiting.id, waiting.entry) for waiting in batch], again=again)
                return
            except StoreUnavailableError as error:
                log.warning("the audit log is written later: %s", error)
                AUDIT_FAILURES.inc()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause, again = min(2 * pause, RETRY_S[1]), True


def _tell(batch: Sequence[_Waiting], error: AuditUnavailableError | None) -> None:
    """Those that wait, and still do."""
    for waiting in batch:
        if waiting.stored is not None and not waiting.stored.done():
            if error is None:
                waiting.stored.set_result(None)
            else:
                waiting.stored.set_exception(error)


@contextlib.asynccontextmanager
async def open_audit(entries: AuditEntries, level: AuditLevel) -> AsyncIterator[AuditWriter]:
    """A writer for the length of the block, at whose end it stores what is left, within CLOSE_S."""
    writer = AuditWriter(entries, level)
    writing = asyncio.create_task(writer.write(), name="audit log")
    try:
        yield writer
    finally:
        try:
            async with asyncio.timeout(CLOSE_S):
                await writer.close()
                await writing
        except TimeoutError:
            log.error("the audit log was not written to its end: PostgreSQL did not answer")
        finally:
            writing.cancel()
