"""Stored events as DomainEvents: by position, by aggregate, by correlation. Reads only."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from uuid import UUID

import asyncpg

from contracts.envelope import DomainEvent
from contracts.event_types import KIND_OF, AggregateKind
from contracts.ids import stream_id
from contracts.unvalidated import decode_unvalidated
from eventstore.keys import AggregateKey
from eventstore.pool import acquire, transaction

FETCH = 1000
FETCH_LIMIT_S = 600.0

_COLUMNS = "SELECT notification_id, state FROM annals.stored_events"


class EventReader:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def identity(self) -> str:
        """The log's own name, given when it was made."""
        async with acquire(self._pool) as connection:
            return str(await connection.fetchval("SELECT log FROM annals.identity"))

    async def after(self, position: int, limit: int) -> list[DomainEvent]:
        """At most `limit` events behind `position`, in the order of the log."""
        return await self._fetch(
            f"{_COLUMNS} WHERE notification_id > $1 ORDER BY notification_id LIMIT $2", position, limit
        )

    async def of_aggregate(
        self, tenant: str, kind: AggregateKind, aggregate_id: str, after_version: int = 0, limit: int = 100_000
    ) -> list[DomainEvent]:
        """One aggregate's events behind `after_version`, in order."""
        return await self._fetch(
            f"{_COLUMNS} WHERE originator_id = $1 AND originator_version > $2 ORDER BY originator_version LIMIT $3",
            stream_id(tenant, kind, aggregate_id),
            after_version,
            limit,
        )

    async def of_aggregates(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, list[DomainEvent]]:
        """All events of several aggregates in one query; aggregates without events are left out."""
        events = await self._fetch(
            f"{_COLUMNS} WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version",
            [stream_id(*key) for key in set(keys)],
        )
        found: dict[AggregateKey, list[DomainEvent]] = defaultdict(list)
        for event in events:
            found[AggregateKey.of(event)].append(event)
        return dict(found)

    async def latest(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, tuple[int, str]]:
        """Version and type of each aggregate's last event."""
        by_stream = {stream_id(*key): key for key in keys}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (originator_id) originator_id, originator_version, topic "
                "FROM annals.stored_events WHERE originator_id = ANY($1) "
                "ORDER BY originator_id, originator_version DESC",
                list(by_stream),
            )
        return {by_stream[UUID(str(row["originator_id"]))]: (row["originator_version"], row["topic"]) for row in rows}

    async def by_event_ids(self, key: AggregateKey, event_ids: Iterable[UUID]) -> dict[UUID, DomainEvent]:
        """The stored events of one aggregate among these ids."""
        events = await self._fetch(
            f"{_COLUMNS} WHERE originator_id = $1 AND event_id = ANY($2)", stream_id(*key), list(event_ids)
        )
        return {event.event_id: event for event in events}

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
            return int(await connection.fetchval("SELECT coalesce(max(notification_id), 0) FROM annals.stored_events"))

    async def count_by_type(self, tenant: str | None = None) -> dict[str, int]:
        """How many events of each type there are, of one tenant or of all."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT topic, count(*) AS events FROM annals.stored_events "
                "WHERE $1::text IS NULL OR tenant = $1 GROUP BY topic ORDER BY topic",
                tenant,
            )
        return {row["topic"]: row["events"] for row in rows}

    async def count_aggregates(self, kinds: Collection[AggregateKind]) -> int:
        """How many aggregates of these kinds there are."""
        types = [str(event_type) for event_type, kind in KIND_OF.items() if kind in kinds]
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM annals.stored_events WHERE originator_version = 1 AND topic = ANY($1)", types
                )
            )

    async def aggregates(
        self, kinds: Collection[AggregateKind], up_to: int, batch: int = 500
    ) -> AsyncIterator[list[list[DomainEvent]]]:
        """Every aggregate of `kinds` with all its events up to a position, about `batch` aggregates at a time.

        Ordered by aggregate, so that each can be folded at once and memory stays bounded.
        """
        types = [str(event_type) for event_type, kind in KIND_OF.items() if kind in kinds]
        async with transaction(self._pool, isolation="repeatable_read", readonly=True) as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            # Reading in the order of the primary key beats sorting all of it.
            await connection.execute("SET LOCAL enable_seqscan = off")
            cursor = await connection.cursor(
                "SELECT originator_id, notification_id, state FROM annals.stored_events "
                "WHERE topic = ANY($1) AND notification_id <= $2 ORDER BY originator_id, originator_version",
                types,
                up_to,
            )
            ready: list[list[DomainEvent]] = []
            current: list[DomainEvent] = []
            last: UUID | None = None
            async for row in _ahead(cursor):
                if row["originator_id"] != last:
                    if current:
                        ready.append(current)
                    if len(ready) >= batch:
                        yield ready
                        ready = []
                    current, last = [], row["originator_id"]
                current.append(decode_unvalidated(row["state"], position=row["notification_id"]))
            if current:
                ready.append(current)
            if ready:
                yield ready

    async def _fetch(self, query: str, *arguments: object) -> list[DomainEvent]:
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(query, *arguments)
        return [decode_unvalidated(row["state"], position=row["notification_id"]) for row in rows]


async def _ahead(cursor: asyncpg.cursor.Cursor) -> AsyncIterator[asyncpg.Record]:
    """The database looks for the next rows while these are worked on."""
    fetching = asyncio.create_task(cursor.fetch(FETCH, timeout=FETCH_LIMIT_S))
    try:
        while rows := await fetching:
            fetching = asyncio.create_task(cursor.fetch(FETCH, timeout=FETCH_LIMIT_S))
            # Without a turn of the loop the question would not be sent before these rows are done.
            await asyncio.sleep(0)
            for row in rows:
                yield row
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
