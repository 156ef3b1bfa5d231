"""Every event of one aggregate."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.envelope import DomainEvent
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.deadline import Deadline
from services.storage.lookup import find_aggregate, find_within


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
        """Of the caller's aggregate that has one of these ids.

        Whoever may see some documents alone has the histories of those, where none of their fields is masked, and of
        the questions that were answered from those alone.
        """
        caller.require("events", "read")
        reach = caller.access.reach("events", "read")
        async with deadline.enforce("reading the history"):
            if reach.is_everything:
                key = await find_aggregate(self._reader, caller, names)
            else:
                key = await find_within(self._reader, caller, names, reach.whole or frozenset())
            return History(key, tuple((await self._reader.of_aggregates([key]))[key]))
