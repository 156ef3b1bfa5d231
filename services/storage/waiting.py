"""Waiting until documents are processed and every read model has them."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from contracts.event_types import TAKES_IN, EventType
from eventstore.dead_letters import DeadLetters
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from eventstore.retries import retry_unavailable
from projections.store import Store
from services.caller import Caller
from services.deadline import Deadline
from services.errors import GaveUpError
from services.storage.visibility import visible

WAIT_LIMIT_S = 7 * 86_400.0
"""What an edge grants a wait that goes on as long as anything moves."""
STALL_LIMIT_S = 600.0
POLL_S = 0.2
POLL_MOST_S = 3.0
AT_ONCE = 32
"""Of so many documents from the first on it is asked in one look, and of as many others in turn: what a look costs the
databases does not grow with what is awaited."""
UNFINISHED = frozenset(
    {
        *TAKES_IN,
        EventType.DOCUMENT_CHUNKED,
        EventType.ENTITIES_EXTRACTED,
        EventType.RELATIONSHIPS_DISCOVERED,
    }
)
"""While one of these is a document's last event, a stage still has work to do."""


@dataclass
class Awaited:
    """What became of the documents: `failed` maps an id to why it will not be processed before somebody acts."""

    processed: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentProgress:
    """`done`: processed, or gone, and every read model has them so. `failed`: set aside, with why. The rest waits."""

    done: tuple[str, ...]
    failed: dict[str, str]
    waiting: tuple[str, ...]


class WaitForDocuments:
    """Looks at the log, the dead letters and the versions in every read model."""

    def __init__(self, reader: EventReader, letters: DeadLetters, stores: Collection[Store]) -> None:
        self._reader = reader
        self._letters = letters
        self._stores = stores

    async def until_projected(
        self,
        caller: Caller,
        document_ids: Sequence[str],
        report: Callable[[int], None] = lambda _: None,
        *,
        deadline: Deadline,
    ) -> Awaited:
        """Return once every document is processed (or gone, or set aside) and every read model has it as the log does.

        `report` is told how many are done. Documents that the caller may neither read nor write are left out. Raises
        AccessDeniedError, GaveUpError when nothing moves for STALL_LIMIT_S, and
        DeadlineExceededError.
        """
        async with deadline.enforce("waiting for documents to be processed"):
            return await self._wait(caller, await self._within_reach(caller, document_ids), report)

    async def progress(self, caller: Caller, document_ids: Sequence[str], *, deadline: Deadline) -> DocumentProgress:
        """How far these documents are now. Those that the caller may neither read nor write are left out.

        Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.
        """
        async with deadline.enforce("looking how far documents are"):
            ids = await self._within_reach(caller, document_ids)
            failed = await self._letters.of_aggregates(caller.tenant, ids)
            keys = [AggregateKey(caller.tenant, "document", one) for one in ids if one not in failed]
            found, _ = await self._done(keys)
        done = {key.aggregate_id for key in found}
        return DocumentProgress(
            tuple(one for one in ids if one in done),
            dict(failed),
            tuple(one for one in ids if one not in done and one not in failed),
        )

    async def _within_reach(self, caller: Caller, document_ids: Sequence[str]) -> list[str]:
        reach = caller.require_progress("processing")
        seen = await visible(self._reader, caller, document_ids, reach)
        return [one for one in document_ids if one in seen]

    async def _wait(self, caller: Caller, document_ids: Sequence[str], report: Callable[[int], None]) -> Awaited:
        """They are processed in about the order in which they came; one that stands still holds up no other."""
        waiting = [AggregateKey(caller.tenant, "document", one) for one in dict.fromkeys(document_ids)]
        turn = 0
        versions: dict[AggregateKey, int] = {}
        awaited = Awaited()
        moved = time.monotonic()
        while waiting:
            began = time.monotonic()
            turn = turn if turn < len(waiting) else 0
            looked_at = list(dict.fromkeys([*waiting[:AT_ONCE], *waiting[turn : turn + AT_ONCE]]))
            turn += AT_ONCE
            ids = [key.aggregate_id for key in looked_at]
            failed = await retry_unavailable(partial(self._letters.of_aggregates, caller.tenant, ids))
            awaited.failed.update(failed)
            rest = [key for key in looked_at if key.aggregate_id not in failed]
            done, latest = await retry_unavailable(partial(self._done, rest))
            awaited.processed += len(done)
            waiting = [key for key in waiting if key not in done and key.aggregate_id not in failed]
            report(awaited.processed + len(awaited.failed))
            if failed or done or any(versions.get(key) != version for key, version in latest.items()):
                versions |= latest
                moved = time.monotonic()
            elif time.monotonic() - moved > STALL_LIMIT_S:
                raise GaveUpError(
                    f"{len(waiting)} of {len(document_ids)} documents got no further for {STALL_LIMIT_S:.0f} s; "
                    "see `annals status` and the logs in the data folder"
                )
            if waiting and not done:
                # To look costs the databases; but one look that waited for a database says nothing of the next.
                await asyncio.sleep(min(max(POLL_S, 3 * (time.monotonic() - began)), POLL_MOST_S))
        return awaited

    async def _done(self, keys: Sequence[AggregateKey]) -> tuple[set[AggregateKey], dict[AggregateKey, int]]:
        """Those that are finished in every read model; and the last version of each that the log knows."""
        latest = await self._reader.last.of(keys)
        finished = {key: last.version for key, last in latest.items() if last.event_type not in UNFINISHED}
        for store in self._stores:
            there = await store.versions(finished) if finished else {}
            finished = {key: version for key, version in finished.items() if there.get(key, 0) >= version}
        # What the log does not know will never come.
        unknown = set(keys) - set(latest)
        return set(finished) | unknown, {key: last.version for key, last in latest.items()}
