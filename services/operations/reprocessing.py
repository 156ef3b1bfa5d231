"""Documents that stand still, and how they are made to go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts.event_types import EventType
from contracts.topics import Topics
from eventstore.dead_letters import DeadLetters
from eventstore.keys import AggregateKey
from eventstore.positions import ConsumerPositions, low_watermark
from eventstore.reader import EventReader
from eventstore.reprocess_requests import ReprocessRequests
from projections.relational.reads import RelationalReader
from services.caller import Caller
from services.deadline import Deadline
from services.storage.lookup import find_aggregate, unknown
from services.storage.visibility import visible
from services.storage.waiting import UNFINISHED

LOOK = 1000
"""Documents that are looked at for one answer: those that wait the longest."""

AWAITED: Mapping[str, str] = {
    EventType.DOCUMENT_INGESTED: "chunking",
    EventType.DOCUMENT_UPDATED: "chunking",
    EventType.DOCUMENT_RESTORED: "chunking",
    EventType.DOCUMENT_CHUNKED: "entities",
    EventType.ENTITIES_EXTRACTED: "relationships",
    EventType.RELATIONSHIPS_DISCOVERED: "completion",
}
"""The stage that a document waits for whose last event is of this type."""


@dataclass(frozen=True, slots=True)
class StandsStill:
    """A document that `stage` should have processed and did not. `since`: the time of its last event."""

    document_id: str
    stage: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Reprocessed:
    """Ids: `asked` go on, `finished` have nothing left to do (or are deleted), `unknown` were never taken in."""

    asked: tuple[str, ...]
    finished: tuple[str, ...]
    unknown: tuple[str, ...]


class Reprocess:
    """Whoever may see some documents alone is told of those, and has those processed that he may write.

    Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(
        self,
        reader: EventReader,
        requests: ReprocessRequests,
        positions: ConsumerPositions,
        letters: DeadLetters,
        relational: RelationalReader,
        topics: Topics,
    ) -> None:
        self._reader = reader
        self._requests = requests
        self._positions = positions
        self._letters = letters
        self._relational = relational
        self._partitions = topics.of(EventType.DOCUMENT_INGESTED).all_partitions

    async def standing_still(self, caller: Caller, *, deadline: Deadline) -> list[StandsStill]:
        """Documents whose stage is past their last event, and which are no dead letter; the longest waiting first.

        One that waits in line, or for a worker, does not stand still.
        """
        caller.require("processing", "read")
        async with deadline.enforce("looking for documents that stand still"):
            waiting = await self._unprocessed(caller)
            # Read before the log: what a stage is past by then, it has appended.
            known = await self._positions.all()
            latest = await self._reader.last.of([_key(caller, one) for one, _ in waiting])
            still = [
                StandsStill(document_id, AWAITED[last.event_type], since)
                for document_id, since in waiting
                if (last := latest.get(_key(caller, document_id))) is not None
                and last.event_type in AWAITED
                and low_watermark(known.get(AWAITED[last.event_type], {}), self._partitions) >= last.position
            ]
            failed = await self._letters.of_aggregates(caller.tenant, [one.document_id for one in still])
            return [one for one in still if one.document_id not in failed]

    async def unfinished(self, caller: Caller, *, deadline: Deadline) -> list[str]:
        """Documents that are not processed, the longest waiting first; at most LOOK."""
        caller.require("processing", "read")
        async with deadline.enforce("looking for unfinished documents"):
            return [document_id for document_id, _ in await self._unprocessed(caller)]

    async def named(self, caller: Caller, documents_named: Sequence[Sequence[str]], *, deadline: Deadline) -> list[str]:
        """Ids of the documents that are given by the names that they may go by. Raises NotFoundError."""
        caller.require("processing", "execute")
        async with deadline.enforce("looking for documents"):
            ids = [
                (await find_aggregate(self._reader, caller, names, ("document",))).aggregate_id
                for names in documents_named
            ]
            writable = await self._writable(caller, ids)
            for document_id, names in zip(ids, documents_named, strict=True):
                if document_id not in writable:
                    raise unknown(names[0], ("document",))
            return ids

    async def reprocess(self, caller: Caller, document_ids: Sequence[str], *, deadline: Deadline) -> Reprocessed:
        """Have the stages look at these documents once more, where something is left to do.

        One that the caller may not write is as unknown as one that is not there.
        """
        caller.require("processing", "execute")
        async with deadline.enforce("reprocessing"):
            keys = list(dict.fromkeys(_key(caller, document_id) for document_id in document_ids))
            writable = await self._writable(caller, [key.aggregate_id for key in keys])
            latest = await self._reader.last.of([key for key in keys if key.aggregate_id in writable])
            asked = [key for key in keys if key in latest and latest[key].event_type in UNFINISHED]
            if asked:
                await self._requests.add(asked, UNFINISHED)
            return Reprocessed(
                asked=tuple(key.aggregate_id for key in asked),
                finished=tuple(key.aggregate_id for key in keys if key in latest and key not in asked),
                unknown=tuple(key.aggregate_id for key in keys if key not in latest),
            )

    async def _unprocessed(self, caller: Caller) -> list[tuple[str, datetime]]:
        """Those that the caller may see, the longest waiting first; at most LOOK."""
        collections = caller.access.reach("processing", "read").collections
        return await self._relational.unprocessed(caller.tenant, LOOK, collections)

    async def _writable(self, caller: Caller, document_ids: Sequence[str]) -> frozenset[str]:
        reach = caller.access.reach("processing", "execute")
        if not reach.is_everything:
            reach = reach.within(caller.access.reach("documents", "write"))
        return await visible(self._reader, caller, document_ids, reach)


def _key(caller: Caller, document_id: str) -> AggregateKey:
    return AggregateKey(caller.tenant, "document", document_id)
