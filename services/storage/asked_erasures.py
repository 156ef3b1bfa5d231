"""Erasures of subjects that take longer than a request: asked for, carried out, and gone on with after a kill."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from contracts.errors import AnnalsError
from eventstore.asked_erasures import LEASE_S, AskedErasure, AskedErasures
from eventstore.retries import retry_unavailable
from security.access import FULL_ACCESS
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.storage.erasing import Erasure
from services.storage.erasing_subjects import EraseSubjects, SubjectErasure

log = logging.getLogger(__name__)

MOST_DOCUMENTS = 100_000
"""On one list."""
ERASURE_LIMIT_S = 24 * 3600.0
"""From when it was asked for."""
AWAY_LIMIT_S = 3600.0
"""How long a database that is away is waited for."""
RENEW_EVERY_S = LEASE_S / 3
MOST_AT_ONCE = 3
"""Erasures under way in a process: each holds connections, and reads a tenant's whole log."""

Report = Callable[[int], None]


class EraseAskedSubjects:
    """Those of a tenant one after the other in each process: they look at the same documents. Of several tenants at
    most MOST_AT_ONCE side by side."""

    def __init__(self, asked: AskedErasures, subjects: EraseSubjects) -> None:
        self._asked, self._subjects = asked, subjects
        self._turns = WeakValueDictionary[str, asyncio.Lock]()
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)

    async def ask(
        self, caller: Caller, names: Sequence[str], documents: Sequence[str], *, reason: str, deadline: Deadline
    ) -> AskedErasure:
        """Note it; whoever asks carries it out. The same subject is erased once at a time: then it is the one that is
        under way. Raises AccessDeniedError, InvalidRequestError, StoreUnavailableError, DeadlineExceededError.
        """
        # Whoever goes on with it after a kill asks nobody again.
        for action in ("administer", "delete"):
            caller.require_everything("documents", action)
        if len(documents) > MOST_DOCUMENTS:
            raise InvalidRequestError(f"a list has at most {MOST_DOCUMENTS} documents; erase a part of them first")
        made = {
            "actor": caller.actor,
            "source": caller.source,
            "correlation_id": caller.correlation_id,
            "credential": caller.credential,
            "address": caller.address,
        }
        async with deadline.enforce("noting the erasure"):
            return await self._asked.add(uuid4(), caller.tenant, made, names, list(dict.fromkeys(documents)), reason)

    async def status(self, caller: Caller, erasure_id: UUID, *, deadline: Deadline) -> AskedErasure:
        """One of the caller's tenant that has not ended. Raises AccessDeniedError, NotFoundError,
        StoreUnavailableError, DeadlineExceededError."""
        caller.require("documents", "administer")
        async with deadline.enforce("looking for the erasure"):
            found = await self._asked.get(erasure_id)
        if found is None or found.tenant != caller.tenant:
            raise NotFoundError("there is no such erasure, or it has ended; give the command again to see what is left")
        return found

    async def call_off(self, caller: Caller, erasure_id: UUID, *, deadline: Deadline) -> None:
        """Nobody goes on with it; what is erased stays so. Raises AccessDeniedError, NotFoundError,
        StoreUnavailableError, DeadlineExceededError."""
        caller.require("documents", "administer")
        found = await self.status(caller, erasure_id, deadline=deadline)
        async with deadline.enforce("calling the erasure off"):
            await self._asked.remove(found.id)

    async def abandoned(self) -> list[AskedErasure]:
        """Those whose process ended: who calls this carries them out. Raises StoreUnavailableError."""
        return await self._asked.take()

    async def carry_out(self, asked: AskedErasure, report: Report) -> SubjectErasure:
        """Erase, from where it stands. Cancelled, it is left to whoever takes it up; failed, it has ended.

        `report` gets how many documents of the list are done. Raises NotFoundError where it was called off, and what
        `EraseSubjects.erase` raises.
        """
        # Who waits for his tenant's turn keeps no other tenant waiting.
        turn = self._turns.setdefault(asked.tenant, asyncio.Lock())
        async with self._leased(asked.id), turn, self._at_once:
            try:
                done = await retry_unavailable(partial(self._carry_out, asked.id, report), limit_s=AWAY_LIMIT_S)
            except Exception:
                with contextlib.suppress(AnnalsError):
                    await self._asked.remove(asked.id)
                raise
            await self._asked.remove(asked.id)
            return done

    async def _carry_out(self, erasure_id: UUID, report: Report) -> SubjectErasure:
        asked = await self._asked.get(erasure_id)
        if asked is None:
            raise NotFoundError("the erasure was called off; ask for it again")
        age_s = (datetime.now(UTC) - asked.asked_at).total_seconds()
        watch = _Noted(self._asked, asked, report)
        done = await self._subjects.erase(
            caller_of(asked),
            asked.names,
            set(asked.documents),
            reason=asked.reason,
            correlation_id=asked.asked_by["correlation_id"] or f"erase-{asked.id}",
            deadline=Deadline.after(max(0.0, ERASURE_LIMIT_S - age_s)),
            watch=watch,
        )
        now = watch.asked
        went = Erasure(now.documents, now.questions, now.entities, now.keys, now.in_the_clear)
        return SubjectErasure(went, done.left)

    @contextlib.asynccontextmanager
    async def _leased(self, erasure_id: UUID) -> AsyncIterator[None]:
        """Nobody else takes it up meanwhile; behind it somebody may at once."""
        renewing = asyncio.create_task(self._renew(erasure_id))
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(AnnalsError):
                await self._asked.lease(erasure_id, 0.0)

    async def _renew(self, erasure_id: UUID) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            try:
                await self._asked.lease(erasure_id, LEASE_S)
            except AnnalsError as error:
                log.warning("an erasure that is under way: %s", error)


class _Noted:
    """Notes what is done, so that it is known after a kill."""

    def __init__(self, rows: AskedErasures, asked: AskedErasure, report: Report) -> None:
        self.asked = asked
        self._rows, self._report = rows, report
        self._total = len(asked.documents)
        self._waiting = 0

    async def begun(self, documents: Sequence[str]) -> None:
        """Those that were erased before a kill are on the list, and are not found any more."""
        self._waiting = len(documents)
        if not self.asked.listed:
            await self._rows.list_documents(self.asked.id, documents)
            self.asked = replace(self.asked, documents=tuple(documents), listed=True)
        self._report(self._total - self._waiting)

    async def erased(self, part: Erasure) -> None:
        self._waiting -= len(part.documents)
        before = Erasure((), self.asked.questions, self.asked.entities, self.asked.keys, self.asked.in_the_clear)
        now = before + part
        self.asked = replace(
            self.asked,
            done=len(self.asked.documents) - self._waiting,
            questions=now.questions,
            entities=now.entities,
            keys=now.keys,
            in_the_clear=now.in_the_clear,
        )
        await self._rows.advance(self.asked)
        self._report(self._total - self._waiting)


def caller_of(asked: AskedErasure) -> Caller:
    """Who asked: all that the erasure needs he might do when he did."""
    made = asked.asked_by
    return Caller(
        asked.tenant,
        made["actor"] or "",
        made["source"] or "",
        FULL_ACCESS,
        made["correlation_id"],
        made["credential"] or "",
        made["address"] or "",
    )
