"""Stored events as DomainEvents: by position, by aggregate, by correlation. Reads only."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from contracts import limits
from contracts.batches import batches
from contracts.envelope import DomainEvent
from contracts.event_types import AggregateKind
from eventstore.event_rows import EventRows, event_page, not_erased
from eventstore.keys import AggregateKey
from eventstore.last_events import LastEvents
from eventstore.log_ids import LogIds
from eventstore.logged_documents import LoggedDocuments
from eventstore.pool import PostgresPool, acquire
from eventstore.sealed_events import subject_of
from eventstore.seen_events import SeenEvents
from eventstore.stream_keys import StreamKeys, ids_of
from eventstore.whole_aggregates import WholeAggregates

PAGE_ROWS = 1000

_COLUMNS = "SELECT notification_id, recorded_at, state FROM annals.stored_events"
_AFTER = event_page("notification_id > $1", rows="$2", max_bytes="$3")
_OF_TYPES = event_page("topic = ANY($1) AND notification_id > $2 AND notification_id <= $3", rows="$4", max_bytes="$5")
_OF_STREAM = event_page(
    "originator_id = $1 AND originator_version > $2", rows="$3", max_bytes="$4", order="originator_version"
)
_HEAD = "SELECT coalesce(max(notification_id), 0) FROM annals.stored_events"
_RECORDED_AT = (
    "SELECT recorded_at FROM annals.stored_events WHERE notification_id <= $1 ORDER BY notification_id DESC LIMIT 1"
)
_FIRST_BEHIND = (
    "SELECT notification_id, recorded_at FROM annals.stored_events WHERE notification_id > $1 "
    "ORDER BY notification_id LIMIT 1"
)
State = TypeVar("State")


class Project(Protocol[State]):
    """Folds events of one aggregate, which go on from `state`."""

    def __call__(self, events: Iterable[DomainEvent], state: State | None = None) -> State | None:
        """The state after them."""
        ...


class EventReader:
    """Every method raises StoreUnavailableError when the database is away.

    What gives events raises NewerSchemaError for those that only a newer Annals reads.

    What was erased is passed over, wherever it is not said otherwise. What gives events that are sealed raises
    MasterKeyError, UnknownKeyError, DecryptionError where they cannot be opened.

    `last`: what aggregates end with. `seen`: what somebody may see. `whole`: all of it, for read models. `documents`:
    which there are.
    """

    def __init__(self, pool: PostgresPool, keys: StreamKeys | None = None) -> None:
        """`keys` open events that are sealed."""
        self._pool, self._rows, self._ids = pool, EventRows(pool, keys), ids_of(keys)
        self.seen = SeenEvents(pool, self._rows, self._ids)
        self.last = LastEvents(pool, self._rows, self._ids)
        self.whole = WholeAggregates(pool, self._rows)
        self.documents = LoggedDocuments(pool)

    @property
    def ids(self) -> LogIds:
        """By what streams are called in this log."""
        return self._ids

    async def identity(self) -> str:
        """The log's own name, given when it was made."""
        async with acquire(self._pool) as connection:
            return str(await connection.fetchval("SELECT log FROM annals.identity"))

    async def after(self, position: int, limit: int) -> list[DomainEvent]:
        """The next events behind `position`, in the order of the log: at most `limit`, and at most BATCH_BYTES."""
        return await self._rows.page(_AFTER, [position, limit, limits.BATCH_BYTES], 0)

    async def of_types(self, event_types: Collection[str], after: int, up_to: int, limit: int) -> list[DomainEvent]:
        """Events of these types behind a position and up to another, in the order of the log.

        At most `limit`, and at most BATCH_BYTES or a single one.
        """
        return await self._rows.page(_OF_TYPES, [sorted(event_types), after, up_to, limit, limits.BATCH_BYTES], 1)

    async def of_aggregate(
        self, tenant: str, kind: AggregateKind, aggregate_id: str, after_version: int = 0, limit: int = 100_000
    ) -> list[DomainEvent]:
        """One aggregate's events behind `after_version`, in order."""
        return await self._rows.fetch(
            f"{_COLUMNS} WHERE originator_id = $1 AND originator_version > $2 ORDER BY originator_version LIMIT $3",
            self._ids.stream(AggregateKey(tenant, kind, aggregate_id)),
            after_version,
            limit,
        )

    async def of_aggregates(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, list[DomainEvent]]:
        """All events of several aggregates in one query; aggregates without events are left out."""
        found = await self._since(dict.fromkeys(keys, 1))
        return {key: left for key, events in found.items() if (left := not_erased(events))}

    async def in_batches(
        self, since: Mapping[AggregateKey, int]
    ) -> AsyncIterator[dict[AggregateKey, list[DomainEvent]]]:
        """Of each aggregate the events from a version on, in batches of at most BATCH_BYTES, one aggregate at least.

        Aggregates without such events are left out; one of which all are erased has none.
        """
        sizes = await self._sizes(since)
        for keys in batches(sizes, sizes.__getitem__):
            found = await self._since({key: since[key] for key in keys})
            yield {key: not_erased(events) for key, events in found.items()}

    async def states(
        self, keys: Iterable[AggregateKey], project: Project[State]
    ) -> AsyncIterator[dict[AggregateKey, State]]:
        """The present states of several aggregates, as many at a time as have BATCH_BYTES of events, or a single one.
        No more events than that are held at once. Aggregates that have no state are left out. `project` is given erased
        events, too (`contracts.erased`).
        """
        sizes = await self._sizes(dict.fromkeys(keys, 1))
        for some in batches(sizes, sizes.__getitem__):
            if sizes[some[0]] > limits.BATCH_BYTES:
                (key,) = some
                state = await self._state(key, project)
                yield {} if state is None else {key: state}
                continue
            histories = await self._since(dict.fromkeys(some, 1), remembered=True)
            found = {key: project(events) for key, events in histories.items()}
            yield {key: state for key, state in found.items() if state is not None}

    async def _state(self, key: AggregateKey, project: Project[State]) -> State | None:
        """Page by page."""
        state: State | None = None
        version = 0
        while events := await self._rows.read(
            _OF_STREAM,
            self._ids.stream(key),
            version,
            PAGE_ROWS,
            limits.BATCH_BYTES,
            ids=self._named([key]),
        ):
            state, version = project(events, state), events[-1].aggregate_version
        return state

    async def _since(
        self, since: Mapping[AggregateKey, int], *, remembered: bool = False
    ) -> dict[AggregateKey, list[DomainEvent]]:
        events = await self._rows.read(
            "SELECT e.notification_id, e.recorded_at, e.state FROM annals.stored_events AS e "
            "JOIN unnest($1::uuid[], $2::int[]) AS k(id, first) "
            "ON e.originator_id = k.id AND e.originator_version >= k.first "
            "ORDER BY e.originator_id, e.originator_version",
            [self._ids.stream(key) for key in since],
            list(since.values()),
            ids=self._named(since),
            remembered=remembered,
        )
        found: dict[AggregateKey, list[DomainEvent]] = defaultdict(list)
        for event in events:
            found[AggregateKey.of(event)].append(event)
        return dict(found)

    async def _sizes(self, since: Mapping[AggregateKey, int]) -> dict[AggregateKey, int]:
        """Bytes of each aggregate's events from a version on."""
        if not since:
            return {}
        by_stream = {self._ids.stream(key): key for key in since}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT e.originator_id, sum(octet_length(e.state))::bigint AS bytes FROM annals.stored_events AS e "
                "JOIN unnest($1::uuid[], $2::int[]) AS k(id, first) "
                "ON e.originator_id = k.id AND e.originator_version >= k.first GROUP BY e.originator_id",
                list(by_stream),
                list(since.values()),
            )
        return {by_stream[UUID(str(row["originator_id"]))]: row["bytes"] for row in rows}

    async def erased(self, keys: Iterable[AggregateKey]) -> frozenset[AggregateKey]:
        """Those of which events were erased, be there others since or not."""
        by_subject = {(key.tenant, subject_of(self._ids.stream(key))): key for key in keys}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT tenant, subject FROM annals.data_keys JOIN unnest($1::text[], $2::text[]) "
                "AS k (tenant, subject) USING (tenant, subject) "
                "WHERE retired_at IS NOT NULL AND destroyed_at IS NOT NULL",  # as the index has it
                [tenant for tenant, _ in by_subject],
                [subject for _, subject in by_subject],
            )
        return frozenset(by_subject[row["tenant"], row["subject"]] for row in rows)

    async def keys_of(self, streams: Collection[UUID]) -> list[AggregateKey]:
        """The aggregates of these streams, as their events say; those that were erased are left out."""
        events = await self._rows.fetch(
            "SELECT DISTINCT ON (originator_id) originator_id, notification_id, recorded_at, state "
            "FROM annals.stored_events WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version DESC",
            list(streams),
        )
        return [AggregateKey.of(event) for event in events]

    async def by_event_ids(self, key: AggregateKey, event_ids: Iterable[UUID]) -> dict[UUID, DomainEvent]:
        """The stored events of one aggregate among these ids."""
        events = await self._rows.fetch(
            f"{_COLUMNS} WHERE originator_id = $1 AND event_id = ANY($2)",
            self._ids.stream(key),
            list(event_ids),
        )
        return {event.event_id: event for event in events}

    async def count_of_ids(self, key: AggregateKey, event_ids: Iterable[UUID]) -> int:
        """How many events of one aggregate have one of these ids."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM annals.stored_events WHERE originator_id = $1 AND event_id = ANY($2)",
                    self._ids.stream(key),
                    list(event_ids),
                )
            )

    async def by_correlation(self, tenant: str, correlation_id: str, limit: int = 10_000) -> list[DomainEvent]:
        """Everything one request led to, in the order of the log."""
        return await self._rows.fetch(
            f"{_COLUMNS} WHERE tenant = $1 AND correlation_id = $2 ORDER BY notification_id LIMIT $3",
            tenant,
            correlation_id,
            limit,
        )

    async def head(self) -> int:
        """Position of the newest event; 0 when there is none."""
        async with acquire(self._pool) as connection:
            return int(await connection.fetchval(_HEAD))

    async def position_at(self, time: datetime) -> int:
        """Position of the last event that was recorded by then; 0 where there is none.

        Times of recording never go back from one position to the next, so that halving finds it.
        """
        async with acquire(self._pool) as connection:
            low, high = 0, int(await connection.fetchval(_HEAD))
            while low < high:
                middle = (low + high) // 2
                row = await connection.fetchrow(_FIRST_BEHIND, middle)
                if row is not None and row["recorded_at"] <= time:
                    low = row["notification_id"]
                else:
                    high = middle
        return low

    async def recorded_at(self, position: int) -> datetime | None:
        """When the last event up to a position was recorded; None where there is none."""
        async with acquire(self._pool) as connection:
            found: datetime | None = await connection.fetchval(_RECORDED_AT, position)
        return found

    async def touched(
        self, event_types: Collection[str], after: int, up_to: int, limit: int
    ) -> tuple[list[AggregateKey], int]:
        """The aggregates of the next events of these types behind a position and up to another, each once, and how far
        these go: `limit` events at most, `up_to` where there are no more.
        """
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT notification_id, originator_id FROM annals.stored_events "
                "WHERE topic = ANY($1) AND notification_id > $2 AND notification_id <= $3 "
                "ORDER BY notification_id LIMIT $4",
                sorted(event_types),
                after,
                up_to,
                limit,
            )
        keys = await self.keys_of({UUID(str(row["originator_id"])) for row in rows})
        return keys, rows[-1]["notification_id"] if len(rows) == limit else up_to

    def _named(self, keys: Iterable[AggregateKey]) -> dict[UUID, str]:
        return {self._ids.stream(key): key.aggregate_id for key in keys}
