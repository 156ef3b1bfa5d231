"""Every event of one aggregate."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.envelope import DomainEvent
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.deadline import Deadline
from services.storage.lookup import find_aggregate


@dataclass(frozen=True, slots=True)
class History:
    """An aggregate's events, oldest first."""

    key: AggregateKey
    events: tuple[DomainEvent, ...]


class ReadHistory:
    """Raises AccessDeniedError, NotFoundError, StoreUnavailableError, DeadlineExceededError."""

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader

    async def of(self, caller: Caller, names: Sequence[str], deadline: Deadline) -> History:
        """Of the caller's aggregate that has one of these ids."""
        caller.require_everything("events", "read")
        async with deadline.enforce("reading the history"):
            key = await find_aggregate(self._reader, caller, names)
            return History(key, tuple((await self._reader.of_aggregates([key]))[key]))
