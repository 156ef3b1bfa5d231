"""The events of a tenant: one, those of an aggregate or a request, or all behind a position, as they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from contracts.documents import (
    ChunkMerged,
    ChunksRestored,
    ChunkUpdated,
    RelationshipUpdated,
    RelationshipValidated,
)
from contracts.envelope import DomainEvent
from contracts.event_types import ACCESS_TYPES, KIND_OF, WEBHOOK_TYPES, AggregateKind, EventType
from eventstore.follower import LogFollower
from eventstore.keys import AggregateKey
from eventstore.reader import EventReader
from services.caller import Caller
from services.cursors import WrongCursorError, decoded, encoded, number_in
from services.deadline import Deadline, DeadlineExceededError
from services.errors import NotFoundError
from services.positions import ShownPositions, WrongPositionError

EVENTS_LIMIT_S = 30.0
"""What an edge grants a page."""
MOST_EVENTS = 1000
"""On a page, or in a batch of a tail."""
WINDOW = 20_000
"""Positions of the log that one query looks at: events of other tenants are among them."""
QUIET_S = 15.0
"""After which a tail says how far it has looked, where nothing happened."""

Fetch = Callable[[int, int], Awaitable[Sequence[DomainEvent]]]
"""Events behind a number, at most so many."""

CONTENT_TYPES = frozenset(EventType) - ACCESS_TYPES - WEBHOOK_TYPES
"""Events of accounts and roles are for those who may read policies, those of webhooks for those who may read these."""

OF_DOCUMENTS = frozenset(event_type for event_type, kind in KIND_OF.items() if kind in ("document", "reasoning_query"))
"""Events of which it is known which documents they are of, or rest on."""

OF_PARTS = frozenset(
    {
        EventType.RELATIONSHIP_UPDATED,
        EventType.RELATIONSHIP_VALIDATED,
        EventType.CHUNK_UPDATED,
        EventType.CHUNK_MERGED,
        EventType.CHUNKS_RESTORED,
    }
)
"""Events of one relation, or of chunks."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """In order. `next`: the cursor of the page behind, None where this is the last one."""

    events: tuple[DomainEvent, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class EventBatch:
    """What a tail gives: events, perhaps none, and the position up to which it has looked, to go on from."""

    events: tuple[DomainEvent, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Sight:
    """The types of events that somebody may see, of documents of these collections (None: of everything)."""

    types: frozenset[EventType]
    collections: frozenset[str] | None


class ReadEvents:
    """Whoever may see some documents alone sees the events of those, where none of their fields is masked, and of the
    questions that were answered from those alone.

    Raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.

    What gives events raises NewerSchemaError for those that only a newer Annals reads.
    """

    def __init__(self, reader: EventReader, positions: ShownPositions, follower: LogFollower) -> None:
        self._reader = reader
        self._positions = positions
        self._follower = follower

    async def get(self, caller: Caller, event_id: UUID, *, deadline: Deadline) -> DomainEvent:
        """The event with this id. Raises NotFoundError."""
        sight = sight_of(caller, None)
        async with deadline.enforce("reading an event"):
            found = await self._reader.seen.with_id(caller.tenant, event_id, sight.collections)
        if found is None or found.event_type not in sight.types:
            raise NotFoundError(f"there is no event {event_id}; the events of a document are told by its history")
        return found

    async def of_aggregate(
        self,
        caller: Caller,
        kind: AggregateKind,
        aggregate_id: str,
        *,
        after: str | None,
        limit: int,
        deadline: Deadline,
    ) -> EventPage:
        """What happened to one aggregate, by version. Raises NotFoundError, WrongCursorError."""
        sight = sight_of(caller, None)
        if not any(KIND_OF[one] == kind for one in sight.types):
            raise NotFoundError(f"there is no {kind} {aggregate_id!r}; `annals list` shows what there is")
        key = AggregateKey(caller.tenant, kind, aggregate_id)
        async with deadline.enforce("reading an aggregate's events"):
            name = f"events of {kind} {aggregate_id}"
            fetch = partial(self._reader.seen.of_aggregate, key, sight.collections)
            events, more = await _page(fetch, number_in(name, after), limit, _version)
            page = EventPage(events, encoded(name, str(_version(events[-1]))) if more else None)
        if not page.events and after is None:
            raise NotFoundError(f"there is no {kind} {aggregate_id!r}; `annals list` shows what there is")
        return page

    async def of_part(
        self, caller: Caller, part_id: str, *, after: str | None, limit: int, deadline: Deadline
    ) -> EventPage:
        """What people corrected of one relation or chunk, in the order of the log; of a chunk also what made it go.

        Raises NotFoundError, WrongCursorError.
        """
        wanted = sight_of(caller, OF_PARTS)

        async def fetch(behind: int, rows: int) -> Sequence[DomainEvent]:
            found: list[DomainEvent] = []
            head = await self._reader.head()
            while len(found) < rows and behind < head:
                batch = await self._read(caller.tenant, wanted, behind, MOST_EVENTS, head)
                found += (event for event in batch.events if part_id in _parts(event))
                behind = batch.position
            return found[:rows]

        async with deadline.enforce("reading the events of a part"):
            page = await self._by_position(caller, f"events of part {part_id}", fetch, after, limit)
        if not page.events and after is None:
            raise NotFoundError(
                f"nobody corrected a relation or chunk {part_id!r}; `annals relation list` and `annals chunk list` "
                "show what there is"
            )
        return page

    async def of_request(
        self, caller: Caller, correlation_id: str, *, after: str | None, limit: int, deadline: Deadline
    ) -> EventPage:
        """Everything that one request or delivery led to, in the order of the log. Raises WrongCursorError."""
        sight = sight_of(caller, None)
        fetch = partial(self._reader.seen.of_request, caller.tenant, correlation_id, sight.types, sight.collections)
        async with deadline.enforce("reading a request's events"):
            return await self._by_position(caller, f"events of request {correlation_id}", fetch, after, limit)

    async def after(
        self,
        caller: Caller,
        *,
        after: str | None,
        limit: int,
        types: Collection[EventType] | None = None,
        deadline: Deadline,
    ) -> EventPage:
        """The caller's events behind a cursor, in the order of the log; of these types, or of all.

        A page ends early rather than that it holds more than BATCH_BYTES. Raises WrongCursorError.
        """
        wanted = sight_of(caller, types)
        async with deadline.enforce("reading events"):
            head = await self._reader.head()

            async def fetch(behind: int, rows: int) -> Sequence[DomainEvent]:
                return (await self._read(caller.tenant, wanted, behind, rows, head)).events

            return await self._by_position(caller, "events", fetch, after, limit)

    async def tail(
        self, caller: Caller, *, after: int, types: Collection[EventType] | None = None, deadline: Deadline
    ) -> AsyncIterator[EventBatch]:
        """The caller's events behind the position `after`, as they are appended, until the deadline, which is no error.

        A batch without events says, every QUIET_S, how far it has looked. Whoever was cut off goes on from the
        position of the last batch, and misses nothing. One batch is held at a time: who reads slowly, waits for none.
        """
        wanted = sight_of(caller, types)
        loop = asyncio.get_running_loop()
        position, told = after, loop.time()
        while deadline.remaining_s > 0:
            try:
                async with deadline.enforce("following events"):
                    head = await self._reader.head()
                    batch = await self._read(caller.tenant, wanted, position, MOST_EVENTS, head)
            except DeadlineExceededError:
                return
            position = max(position, batch.position)
            if batch.events or loop.time() - told >= QUIET_S:
                yield EventBatch(batch.events, position)
                told = loop.time()
            if position >= head:
                await self._follower.wait(caller.tenant, wanted.types, position, min(QUIET_S, deadline.remaining_s))

    async def head(self, caller: Caller, *, deadline: Deadline) -> int:
        """The position of the newest event of the log: where a tail begins that wants what is yet to come."""
        sight_of(caller, None)
        async with deadline.enforce("reading the log's position"):
            return await self._reader.head()

    async def count_by_type(self, caller: Caller, *, deadline: Deadline) -> dict[str, int]:
        """How many events of each type the caller may see."""
        sight = sight_of(caller, None)
        async with deadline.enforce("counting events"):
            found = await self._reader.seen.count_by_type(caller.tenant, sight.collections)
        return {name: count for name, count in found.items() if name in sight.types}

    async def _by_position(self, caller: Caller, name: str, fetch: Fetch, after: str | None, limit: int) -> EventPage:
        """A page whose cursor is a position, sealed. Raises WrongCursorError."""
        behind = 0
        if after is not None:
            try:
                behind = self._positions.opened(caller.tenant, decoded(name, after, 1)[0])
            except WrongPositionError:
                raise WrongCursorError() from None
        events, more = await _page(fetch, behind, limit, _position)
        if not more:
            return EventPage(events, None)
        return EventPage(events, encoded(name, self._positions.sealed(caller.tenant, _position(events[-1]))))

    async def _read(self, tenant: str, wanted: Sight, position: int, limit: int, head: int) -> EventBatch:
        """The next events behind a position, window by window, until there are some or the end is reached."""
        while position < head:
            end = min(position + WINDOW, head)
            if found := await self._reader.seen.of_tenant(
                tenant, wanted.types, position, end, limit, wanted.collections
            ):
                return EventBatch(tuple(found), _position(found[-1]))
            position = end
        return EventBatch((), position)


def _parts(event: DomainEvent) -> tuple[str | None, ...]:
    """Ids of the relation, or of the chunks, that a correction is about."""
    match event.event_data:
        case (
            RelationshipUpdated(relation_id=own, earlier=earlier)
            | RelationshipValidated(relation_id=own, earlier=earlier)
        ):
            return own, earlier
        case ChunkUpdated(chunk=chunk) | ChunkMerged(chunk=chunk) as made:
            return chunk.chunk_id, *made.gone
        case ChunksRestored(removed=own, restored=restored):
            return own, *(one.chunk_id for one in restored)
        case _:
            return ()


async def _page(
    fetch: Fetch, after: int, limit: int, number: Callable[[DomainEvent], int]
) -> tuple[tuple[DomainEvent, ...], bool]:
    """A page, and whether there is another one behind it."""
    events = tuple(await fetch(after, min(limit, MOST_EVENTS)))
    return events, bool(events and await fetch(number(events[-1]), 1))


def _position(event: DomainEvent) -> int:
    assert event.position is not None, "stored events have a position"
    return event.position


def _version(event: DomainEvent) -> int:
    return event.aggregate_version


def readable(caller: Caller) -> frozenset[EventType]:
    """The types of events that the caller may see. Raises AccessDeniedError."""
    return sight_of(caller, None).types


def sight_of(caller: Caller, types: Collection[EventType] | None) -> Sight:
    """What the caller may see, of the types that are wanted. Raises AccessDeniedError."""
    caller.require("events", "read")
    reach = caller.access.reach("events", "read")
    if not reach.is_everything:
        # What people decide on an entity may tell of any document.
        allowed, collections = OF_DOCUMENTS, reach.whole
    else:
        allowed, collections = CONTENT_TYPES, None
        for resource, guarded in (("policies", ACCESS_TYPES), ("webhooks", WEBHOOK_TYPES)):
            if caller.access.decide(resource, "read").allowed:
                allowed |= guarded
    return Sight(allowed if types is None else allowed & frozenset(types), collections)
