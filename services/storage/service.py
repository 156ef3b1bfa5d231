"""StorageService (specification 1.2): a document is in the log, and by that in every store sooner or later, or nowhere.

The append to the log is the transaction: there is nothing to be rolled back, since no store is written before. Caches
fall by themselves: their keys hold content tags, which change with the content.
"""

import asyncio
import time
from collections.abc import Sequence

from contracts.access import collection_of
from contracts.topics import Topics
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.last_events import LastEvent
from eventstore.positions import low_watermark
from eventstore.reader import EventReader
from projections.changes import Positions, ReadModel, uniform_positions
from projections.store import Store
from services.caller import Caller
from services.deadline import Deadline, abandon_after
from services.requests import check
from services.storage.intake import Intake, Submission
from services.storage.interface import StorageLocation, StoreDocumentRequest, StoreDocumentResponse
from services.work_limit import WorkLimit

RUNNING, WAITING = 8, 1024
LOOK_SHARE = 0.1
"""Of the time granted: how long a store is asked how far it is. The document is stored whatever it says."""


class StorageService:
    """The log first; `models` are the read models that follow it, each with its store."""

    def __init__(
        self, intake: Intake, reader: EventReader, models: Sequence[tuple[ReadModel, Store]], topics: Topics
    ) -> None:
        self._intake = intake
        self._reader = reader
        self._followed = [(model.name, store, uniform_positions(model, topics, 0)) for model, store in models]
        self._work = WorkLimit(RUNNING, WAITING)

    async def store_document(
        self, caller: Caller, request: StoreDocumentRequest, deadline: Deadline
    ) -> StoreDocumentResponse:
        """Append it, and say where it is by now."""
        collection = collection_of(request.attributes)
        caller.require("documents", "write", {"document_id": request.document_id, "collection": collection})
        check(request)
        self._intake.check(request.document_id, request.text)
        began = time.monotonic()
        submission = _submission(caller, request)
        key = AggregateKey(caller.tenant, "document", request.document_id)
        async with self._work.turn(caller.tenant, deadline):
            (outcome,) = await self._intake.take([submission], deadline)
            async with deadline.enforce("storing a document"):
                last = (await self._reader.last.of([key]))[key]
        locations = await self._locations(key, last, LOOK_SHARE * deadline.limit_s)
        return StoreDocumentResponse(
            document_id=request.document_id,
            outcome=outcome,
            storage_locations=(StorageLocation("log", last.position, True), *locations),
            processing_metadata={
                "outcome": outcome,
                "version": last.version,
                "position": last.position,
                "correlation_id": submission.correlation_id,
                "milliseconds": round((time.monotonic() - began) * 1000),
            },
        )

    async def _locations(self, key: AggregateKey, last: LastEvent, within_s: float) -> list[StorageLocation]:
        return await asyncio.gather(
            *(_location(name, store, partitions, key, last, within_s) for name, store, partitions in self._followed)
        )


async def _location(
    name: str, store: Store, partitions: Positions, key: AggregateKey, last: LastEvent, within_s: float
) -> StorageLocation:
    async def look() -> StorageLocation:
        positions, versions = await asyncio.gather(store.positions(), store.versions([key]))
        return StorageLocation(name, low_watermark(positions, partitions), versions.get(key, 0) >= last.version)

    try:
        return await abandon_after(within_s, look())
    except (StoreUnavailableError, TimeoutError):
        return StorageLocation(name, None, False)


def _submission(caller: Caller, request: StoreDocumentRequest) -> Submission:
    return Submission(
        document_id=request.document_id,
        title=request.title,
        text=request.text,
        metadata=caller.metadata,
        event_id=request.delivery_id,
        correlation_id=caller.correlation_id or str(request.delivery_id),
        uri=request.uri,
        attributes=request.attributes,
        expected_version=request.expected_version,
        within=caller.access.reach("documents", "write"),
    )
