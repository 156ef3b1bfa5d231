"""Stored events as DomainEvents: by position, by aggregate, by correlation. Reads only."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

import asyncpg

from contracts import limits
from contracts.batches import batches
from contracts.brief_event import BriefEvent
from contracts.codec import check_event_type
from contracts.envelope import DomainEvent
from contracts.erased import Erased, erased_event
from contracts.event_types import KIND_OF, AggregateKind, EventType
from contracts.unvalidated import decode_brief, decode_fields, read_json
from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.pages import page
from eventstore.pool import Connection, PostgresPool, acquire, transaction
from eventstore.sealed_events import key_of, keys_in, opened, stream_of, subject_of
from eventstore.stream_keys import StreamKeys, ids_of
from security.errors import UnknownKeyError

PAGE_ROWS = 1000
PAGE_LIMIT_S = 600.0
AGGREGATES_A_TURN = 5
"""That are read before the loop has a turn: who loads what came before goes on meanwhile, step by step."""
LAST_VERSION = 2**31 - 1
"""No stream has one behind it."""
LAST_STREAM = UUID(int=2**128 - 1)


QUESTION_TYPES = sorted(event_type for event_type, kind in KIND_OF.items() if kind == "reasoning_query")


def seen_within(collections: str) -> str:
    """Condition: an event of a document of these collections, or of a question that was answered from such documents
    alone; or of anything where they are NULL."""
    return (
        f"({collections}::text[] IS NULL OR EXISTS (SELECT FROM annals.document_collections AS c "
        f"WHERE c.originator_id = stored_events.originator_id AND c.collection = ANY({collections})) "
        f"OR (topic = ANY('{{{','.join(QUESTION_TYPES)}}}') "
        f"AND annals.question_rests_within(stored_events.originator_id, {collections})))"
    )


_COLUMNS = "SELECT notification_id, recorded_at, state FROM annals.stored_events"
_AFTER = page(
    "notification_id, recorded_at, state",
    size="octet_length(state)",
    source="annals.stored_events WHERE notification_id > $1",
    order="notification_id",
    rows="$2",
    max_bytes="$3",
)
_OF_TYPES = page(
    "notification_id, recorded_at, state",
    size="octet_length(state)",
    source="annals.stored_events WHERE topic = ANY($1) AND notification_id > $2 AND notification_id <= $3",
    order="notification_id",
    rows="$4",
    max_bytes="$5",
)
_OF_TENANT = page(
    "notification_id, recorded_at, state",
    size="octet_length(state)",
    source=(
        "annals.stored_events WHERE tenant = $1 AND topic = ANY($2) AND notification_id > $3 "
        f"AND notification_id <= $4 AND {seen_within('$7')}"
    ),
    order="notification_id",
    rows="$5",
    max_bytes="$6",
)
_OF_REQUEST = page(
    "notification_id, recorded_at, state",
    size="octet_length(state)",
    source=(
        "annals.stored_events WHERE tenant = $1 AND correlation_id = $2 AND topic = ANY($3) "
        f"AND notification_id > $4 AND {seen_within('$7')}"
    ),
    order="notification_id",
    rows="$5",
    max_bytes="$6",
)
_OF_AGGREGATE = page(
    "originator_version, notification_id, recorded_at, state",
    size="octet_length(state)",
    source=f"annals.stored_events WHERE originator_id = $1 AND originator_version > $2 AND {seen_within('$5')}",
    order="originator_version",
    rows="$3",
    max_bytes="$4",
)
_BY_AGGREGATE = page(
    "originator_id, originator_version, notification_id, CASE WHEN topic = ANY($7) THEN state END AS state",
    size="octet_length(state)",
    source=(
        "annals.stored_events WHERE topic = ANY($1) AND notification_id <= $2 "
        "AND (originator_id, originator_version) > ($3, $4) AND originator_id <= $8"
    ),
    order="originator_id, originator_version",
    rows="$5",
    max_bytes="$6",
)

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM annals.stored_events"
_RECORDED_AT = (
    "SELECT recorded_at FROM annals.stored_events WHERE notification_id <= $1 ORDER BY notification_id DESC LIMIT 1"
)
_FIRST_BEHIND = (
    "SELECT notification_id, recorded_at FROM annals.stored_events WHERE notification_id > $1 "
    "ORDER BY notification_id LIMIT 1"
)
_NO_IDS: Mapping[UUID, str] = {}
_Secrets = Mapping[str, bytes | None]

_EVENT_TYPES = """
WITH RECURSIVE types AS (
    SELECT min(topic) AS topic FROM annals.stored_events
    UNION ALL
    SELECT (SELECT min(e.topic) FROM annals.stored_events AS e WHERE e.topic > t.topic) FROM types AS t
    WHERE t.topic IS NOT NULL)
SELECT topic FROM types WHERE topic IS NOT NULL
"""


class LastEvent(NamedTuple):
    """The last event of an aggregate, without what it says."""

    version: int
    position: int
    event_type: str


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

    `collections`: events of documents alone that are, or were at the end, of these, "" for none, and of questions whose
    answers rest on such documents alone; None for all events.
    """

    def __init__(self, pool: PostgresPool, keys: StreamKeys | None = None) -> None:
        """`keys` open events that are sealed."""
        self._pool, self._keys = pool, keys
        self._ids = ids_of(keys)

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
        return await self._page(_AFTER, [position, limit, limits.BATCH_BYTES], 0)

    async def of_types(self, event_types: Collection[str], after: int, up_to: int, limit: int) -> list[DomainEvent]:
        """Events of these types behind a position and up to another, in the order of the log.

        At most `limit`, and at most BATCH_BYTES or a single one.
        """
        return await self._page(_OF_TYPES, [sorted(event_types), after, up_to, limit, limits.BATCH_BYTES], 1)

    async def of_tenant(
        self,
        tenant: str,
        event_types: Collection[str],
        after: int,
        up_to: int,
        limit: int,
        collections: Collection[str] | None = None,
    ) -> list[DomainEvent]:
        """A tenant's events of these types behind a position and up to another, in the order of the log.

        At most `limit`, and at most BATCH_BYTES or a single one. Every position between is looked at.
        """
        types = sorted(event_types)
        seen = listed(collections)
        return await self._page(_OF_TENANT, [tenant, types, after, up_to, limit, limits.BATCH_BYTES, seen], 2)

    async def of_request(
        self,
        tenant: str,
        correlation_id: str,
        event_types: Collection[str],
        collections: Collection[str] | None,
        after: int,
        limit: int,
    ) -> list[DomainEvent]:
        """What one request led to behind a position, in the order of the log; bounded like `of_tenant`."""
        types = sorted(event_types)
        seen = listed(collections)
        return await self._page(_OF_REQUEST, [tenant, correlation_id, types, after, limit, limits.BATCH_BYTES, seen], 3)

    async def page_of(
        self, key: AggregateKey, collections: Collection[str] | None, after_version: int, limit: int
    ) -> list[DomainEvent]:
        """One aggregate's events behind a version, in order; bounded like `of_tenant`."""
        arguments = [self._ids.stream(key), after_version, limit, limits.BATCH_BYTES, listed(collections)]
        return await self._page(_OF_AGGREGATE, arguments, 1, "originator_version")

    async def with_id(
        self, tenant: str, event_id: UUID, collections: Collection[str] | None = None
    ) -> DomainEvent | None:
        """The tenant's event with this id; the oldest, should several aggregates have one."""
        found = await self._fetch(
            f"{_COLUMNS} WHERE event_id = $1 AND tenant = $2 AND {seen_within('$3')} ORDER BY notification_id LIMIT 1",
            event_id,
            tenant,
            listed(collections),
        )
        return found[0] if found else None

    async def of_aggregate(
        self, tenant: str, kind: AggregateKind, aggregate_id: str, after_version: int = 0, limit: int = 100_000
    ) -> list[DomainEvent]:
        """One aggregate's events behind `after_version`, in order."""
        return await self._fetch(
            f"{_COLUMNS} WHERE originator_id = $1 AND originator_version > $2 ORDER BY originator_version LIMIT $3",
            self._ids.stream(AggregateKey(tenant, kind, aggregate_id)),
            after_version,
            limit,
        )

    async def of_aggregates(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, list[DomainEvent]]:
        """All events of several aggregates in one query; aggregates without events are left out."""
        found = await self._since(dict.fromkeys(keys, 1))
        return {key: left for key, events in found.items() if (left := _left(events))}

    async def in_batches(
        self, since: Mapping[AggregateKey, int]
    ) -> AsyncIterator[dict[AggregateKey, list[DomainEvent]]]:
        """Of each aggregate the events from a version on, in batches of at most BATCH_BYTES, one aggregate at least.

        Aggregates without such events are left out; one of which all are erased has none.
        """
        sizes = await self._sizes(since)
        for keys in batches(sizes, sizes.__getitem__):
            found = await self._since({key: since[key] for key in keys})
            yield {key: _left(events) for key, events in found.items()}

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
        while events := await self._read(
            _OF_AGGREGATE, self._ids.stream(key), version, PAGE_ROWS, limits.BATCH_BYTES, None, ids=self._named([key])
        ):
            state, version = project(events, state), events[-1].aggregate_version
        return state

    async def _since(
        self, since: Mapping[AggregateKey, int], *, remembered: bool = False
    ) -> dict[AggregateKey, list[DomainEvent]]:
        events = await self._read(
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
        events = await self._fetch(
            "SELECT DISTINCT ON (originator_id) originator_id, notification_id, recorded_at, state "
            "FROM annals.stored_events WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version DESC",
            list(streams),
        )
        return [AggregateKey.of(event) for event in events]

    async def versions(self, keys: Iterable[AggregateKey]) -> dict[AggregateKey, int]:
        """The version of each aggregate's last event; aggregates without events are left out."""
        by_stream = {self._ids.stream(key): key for key in keys}
        if not by_stream:
            return {}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT originator_id, max(originator_version) AS version FROM annals.stored_events "
                "WHERE originator_id = ANY($1) GROUP BY originator_id",
                list(by_stream),
            )
        return {by_stream[UUID(str(row["originator_id"]))]: row["version"] for row in rows}

    async def latest(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, LastEvent]:
        """Each aggregate's last version and position, and the type of the last event that says how far a document is;
        aggregates without events are left out.
        """
        by_stream = {self._ids.stream(key): key for key in keys}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (originator_id) originator_id, first_value(originator_version) OVER own "
                "AS originator_version, first_value(notification_id) OVER own AS notification_id, topic "
                "FROM annals.stored_events WHERE originator_id = ANY($1) "
                "WINDOW own AS (PARTITION BY originator_id ORDER BY originator_version DESC) "
                f"ORDER BY originator_id, topic = '{EventType.MENTIONS_REASSIGNED}', "
                "stored_events.originator_version DESC",
                list(by_stream),
            )
        return {
            by_stream[UUID(str(row["originator_id"]))]: LastEvent(
                row["originator_version"], row["notification_id"], row["topic"]
            )
            for row in rows
        }

    async def last_of_types(
        self, keys: Sequence[AggregateKey], types: Collection[EventType]
    ) -> dict[AggregateKey, DomainEvent]:
        """Each aggregate's last event of these types; aggregates without one are left out."""
        events = await self._fetch(
            "SELECT DISTINCT ON (originator_id) originator_id, notification_id, recorded_at, state "
            "FROM annals.stored_events "
            "WHERE originator_id = ANY($1) AND topic = ANY($2) ORDER BY originator_id, originator_version DESC",
            [self._ids.stream(key) for key in keys],
            [str(event_type) for event_type in types],
        )
        return {AggregateKey.of(event): event for event in events}

    async def by_event_ids(self, key: AggregateKey, event_ids: Iterable[UUID]) -> dict[UUID, DomainEvent]:
        """The stored events of one aggregate among these ids."""
        events = await self._fetch(
            f"{_COLUMNS} WHERE originator_id = $1 AND event_id = ANY($2)", self._ids.stream(key), list(event_ids)
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

    async def last_position(self, key: AggregateKey, types: Collection[EventType]) -> int:
        """Position of an aggregate's last event of these types; 0 when it has none."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT coalesce(max(notification_id), 0) FROM annals.stored_events "
                    "WHERE originator_id = $1 AND topic = ANY($2)",
                    self._ids.stream(key),
                    [str(event_type) for event_type in types],
                )
            )

    async def by_correlation(self, tenant: str, correlation_id: str, limit: int = 10_000) -> list[DomainEvent]:
        """Everything one request led to, in the order of the log."""
        return await self._fetch(
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

    async def last_between(
        self, keys: Collection[AggregateKey], types: Collection[EventType], after: int, up_to: int
    ) -> dict[AggregateKey, DomainEvent]:
        """Each aggregate's last event of these types behind a position and up to another, where it has one."""
        events = await self._fetch(
            "SELECT DISTINCT ON (originator_id) originator_id, notification_id, recorded_at, state "
            "FROM annals.stored_events WHERE originator_id = ANY($1) AND topic = ANY($2) "
            "AND notification_id > $3 AND notification_id <= $4 ORDER BY originator_id, originator_version DESC",
            [self._ids.stream(key) for key in keys],
            [str(event_type) for event_type in types],
            after,
            up_to,
        )
        return {AggregateKey.of(event): event for event in events}

    async def documents_within(
        self, tenant: str, document_ids: Collection[str], collections: Collection[str]
    ) -> frozenset[str]:
        """Those of these documents that are, or were at the end, of one of these collections."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT document_id FROM annals.document_collections "
                "WHERE tenant = $1 AND document_id = ANY($2) AND collection = ANY($3)",
                tenant,
                list(document_ids),
                list(collections),
            )
        return frozenset(row["document_id"] for row in rows)

    async def document_ids(
        self,
        tenant: str,
        prefix: str,
        behind: str,
        limit: int,
        collections: Collection[str] | None = None,
        *,
        file_prefix: str = "",
    ) -> list[str]:
        """The next documents behind an id whose ids begin so and that are not deleted, by id: at most `limit`.

        `file_prefix`: of those only lines of files whose addresses begin so.
        """
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT document_id FROM annals.document_collections AS d "
                "WHERE tenant = $1 AND starts_with(document_id, $2) AND document_id > $3 "
                "AND ($5::text[] IS NULL OR collection = ANY($5)) AND ($6 = '' OR starts_with(file, $6)) "
                "AND (SELECT topic FROM annals.stored_events AS e WHERE e.originator_id = d.originator_id "
                f"AND topic <> '{EventType.MENTIONS_REASSIGNED}' "
                f"ORDER BY originator_version DESC LIMIT 1) <> '{EventType.DOCUMENT_DELETED}' "
                "ORDER BY document_id LIMIT $4",
                tenant,
                prefix,
                behind,
                limit,
                listed(collections),
                file_prefix,
            )
        return [row["document_id"] for row in rows]

    async def count_by_type(
        self, tenant: str | None = None, collections: Collection[str] | None = None
    ) -> dict[str, int]:
        """How many events of each type there are, of one tenant or of all."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT topic, count(*) AS events FROM annals.stored_events "
                f"WHERE ($1::text IS NULL OR tenant = $1) AND {seen_within('$2')} GROUP BY topic ORDER BY topic",
                tenant,
                listed(collections),
            )
        return {row["topic"]: row["events"] for row in rows}

    async def count_aggregates(self, kinds: Collection[AggregateKind], up_to: UUID | None = None) -> int:
        """How many aggregates of these kinds there are; `up_to`: with streams no later than this one."""
        types = [str(event_type) for event_type, kind in KIND_OF.items() if kind in kinds]
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM annals.stored_events WHERE originator_version = 1 AND topic = ANY($1) "
                    "AND ($2::uuid IS NULL OR originator_id <= $2)",
                    types,
                    up_to,
                )
            )

    async def aggregates(
        self,
        kinds: Collection[AggregateKind],
        up_to: int,
        batch: int = 500,
        after: UUID | None = None,
        read: Collection[EventType] | None = None,
        until: UUID | None = None,
    ) -> AsyncIterator[list[list[BriefEvent]]]:
        """Every aggregate of `kinds` with all its events up to a position: at most `batch` aggregates at a time, and
        at most BATCH_BYTES of events or a single aggregate. `after`, `until`: those alone whose streams come behind
        this one, and no later than that one.
        `read`: of events of other types it is only told that they are there; an aggregate begins with one of these.

        Ordered by stream, so that each can be folded at once and memory stays bounded. Raises NewerSchemaError
        where the log holds an event type that is not known here, whatever its kind.
        """
        for event_type in await self._event_types():
            check_event_type(event_type)
        types = [str(event_type) for event_type, kind in KIND_OF.items() if kind in kinds]
        whole = types if read is None else [str(event_type) for event_type in read]
        async with transaction(self._pool, isolation="repeatable_read", readonly=True) as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            # Every page reads on in the order of the primary key; sorting would read all of the rest for each.
            await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            ready: list[list[asyncpg.Record]] = []
            size = 0
            async for stream in _streams(_rows(connection, types, whole, up_to, after, until)):
                own = sum(len(row["state"] or b"") for row in stream)
                if ready and (len(ready) >= batch or size + own > limits.BATCH_BYTES):
                    if found := await self._histories(ready):
                        yield found
                    ready, size = [], 0
                ready.append(stream)
                size += own
            if ready and (found := await self._histories(ready)):
                yield found

    async def _event_types(self) -> list[str]:
        """Every event type in the log: one look into the index for each."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_EVENT_TYPES)
        return [row["topic"] for row in rows]

    async def _histories(self, streams: Sequence[Sequence[asyncpg.Record]]) -> list[list[BriefEvent]]:
        """What is left of each; those of which nothing is are left out."""
        read, secrets = await self._read_fields([row for stream in streams for row in stream])
        fields = iter(read)
        found: list[list[BriefEvent]] = []
        for number, stream in enumerate(streams):
            if left := _history(stream, itertools.islice(fields, len(stream)), secrets):
                found.append(left)
            if number % AGGREGATES_A_TURN == 0:
                await asyncio.sleep(0)
        return found

    def _named(self, keys: Iterable[AggregateKey]) -> dict[UUID, str]:
        return {self._ids.stream(key): key.aggregate_id for key in keys}

    async def _page(
        self, query: str, arguments: list[Any], behind: int, column: str = "notification_id"
    ) -> list[DomainEvent]:
        """Where all of a page was erased, the next one. `behind` is the number of the argument behind which it begins,
        a value of `column`."""
        while True:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(query, *arguments)
            found = _left(await self._opened(rows))
            if found or not rows:
                return found
            arguments[behind] = rows[-1][column]

    async def _fetch(self, query: str, *arguments: object) -> list[DomainEvent]:
        return _left(await self._read(query, *arguments))

    async def _read(
        self, query: str, *arguments: object, ids: Mapping[UUID, str] = _NO_IDS, remembered: bool = False
    ) -> list[DomainEvent]:
        """`ids`: those of aggregates, by stream, which erased events do not know. `remembered`: as for StreamKeys."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(query, *arguments)
        return await self._opened(rows, ids, remembered=remembered)

    async def _opened(
        self, rows: Sequence[asyncpg.Record], ids: Mapping[UUID, str] = _NO_IDS, *, remembered: bool = False
    ) -> list[DomainEvent]:
        read, secrets = await self._read_fields(rows, remembered=remembered)
        return [_event(row, fields, secrets, ids) for row, fields in zip(rows, read, strict=True)]

    async def _read_fields(
        self, rows: Sequence[asyncpg.Record], *, remembered: bool = False
    ) -> tuple[list[Any], _Secrets]:
        """Of each row its JSON as it is stored, and what opens those that are sealed."""
        read = [None if row["state"] is None else _fields(row["state"]) for row in rows]
        wanted = keys_in(read)
        if wanted and self._keys is None:
            raise UnknownKeyError()
        secrets: _Secrets = {}
        if wanted and self._keys is not None:
            secrets = await self._keys.for_reading(wanted, remembered=remembered)
        return read, secrets


def _fields(state: bytes) -> Any:
    """What is no JSON is None: the slow way says what is wrong with it."""
    try:
        return read_json(state)
    except ValueError:
        return None


def _event(row: asyncpg.Record, fields: Any, secrets: _Secrets, ids: Mapping[UUID, str]) -> DomainEvent:
    position, recorded_at = row["notification_id"], row["recorded_at"]
    key = key_of(fields)
    if key is None:
        return decode_fields(fields, row["state"], position=position, recorded_at=recorded_at)
    secret = secrets[key]
    if secret is None:
        return erased_event(fields, ids.get(stream_of(fields), fields["aggregate_id"]), position)
    return decode_fields(opened(fields, secret), position=position, recorded_at=recorded_at)


def _history(stream: Sequence[asyncpg.Record], read: Iterable[Any], secrets: _Secrets) -> list[BriefEvent]:
    """What is left of an aggregate's events."""
    left: list[BriefEvent] = []
    for row, fields in zip(stream, read, strict=True):
        if row["state"] is not None:
            if (event := _brief(row, fields, secrets)) is not None:
                left.append(event)
        elif left:
            version, position = row["originator_version"], row["notification_id"]
            left.append(left[0]._replace(aggregate_version=version, event_data=None, position=position))
    return left


def _brief(row: asyncpg.Record, fields: Any, secrets: _Secrets) -> BriefEvent | None:
    """None where it was erased."""
    key = key_of(fields)
    if key is None:
        return decode_brief(fields, row["state"], position=row["notification_id"])
    secret = secrets[key]
    return None if secret is None else decode_brief(opened(fields, secret), position=row["notification_id"])


def _left(events: Iterable[DomainEvent]) -> list[DomainEvent]:
    """Those that were not erased."""
    return [event for event in events if not isinstance(event.event_data, Erased)]


def listed(collections: Collection[str] | None) -> list[str] | None:
    return None if collections is None else sorted(collections)


async def _streams(rows: AsyncIterator[asyncpg.Record]) -> AsyncIterator[list[asyncpg.Record]]:
    """The rows of each aggregate, which follow one another."""
    stream: list[asyncpg.Record] = []
    async for row in rows:
        if stream and row["originator_id"] != stream[0]["originator_id"]:
            yield stream
            stream = []
        stream.append(row)
    if stream:
        yield stream


async def _rows(
    connection: Connection,
    types: Sequence[str],
    whole: Sequence[str],
    up_to: int,
    after: UUID | None,
    until: UUID | None,
) -> AsyncIterator[asyncpg.Record]:
    """Page by page: the database looks for the next one while this one is worked on."""

    def fetch(last: tuple[UUID, int]) -> asyncio.Task[list[asyncpg.Record]]:
        arguments = (types, up_to, *last, PAGE_ROWS, limits.BATCH_BYTES, whole, until or LAST_STREAM)
        return asyncio.create_task(connection.fetch(_BY_AGGREGATE, *arguments, timeout=PAGE_LIMIT_S))

    fetching = fetch((UUID(int=0), 0) if after is None else (after, LAST_VERSION))
    try:
        while rows := await fetching:
            fetching = fetch((rows[-1]["originator_id"], rows[-1]["originator_version"]))
            # Without a turn of the loop the question would not be sent before these rows are done.
            await asyncio.sleep(0)
            for row in rows:
                yield row
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
