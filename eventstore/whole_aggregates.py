"""Every aggregate with all its events, in the order of their streams: what read models are built from."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

import asyncpg

from contracts import limits
from contracts.brief_event import BriefEvent
from contracts.codec import check_event_type
from contracts.event_types import KIND_OF, AggregateKind, EventType
from eventstore.event_rows import EventRows
from eventstore.pages import page
from eventstore.pool import Connection, PostgresPool, acquire, transaction

PAGE_ROWS = 1000
PAGE_LIMIT_S = 600.0
LAST_VERSION = 2**31 - 1
"""No stream has one behind it."""
LAST_STREAM = UUID(int=2**128 - 1)

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
_EVENT_TYPES = """
WITH RECURSIVE types AS (
    SELECT min(topic) AS topic FROM annals.stored_events
    UNION ALL
    SELECT (SELECT min(e.topic) FROM annals.stored_events AS e WHERE e.topic > t.topic) FROM types AS t
    WHERE t.topic IS NOT NULL)
SELECT topic FROM types WHERE topic IS NOT NULL
"""


class WholeAggregates:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, rows: EventRows) -> None:
        self._pool, self._rows = pool, rows

    async def count(self, kinds: Collection[AggregateKind], up_to: UUID | None = None) -> int:
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

    async def read(
        self,
        kinds: Collection[AggregateKind],
        up_to: int,
        batch: int = 500,
        after: UUID | None = None,
        whole: Collection[EventType] | None = None,
        until: UUID | None = None,
    ) -> AsyncIterator[list[list[BriefEvent]]]:
        """Every aggregate of `kinds` with all its events up to a position: at most `batch` aggregates at a time, and
        at most BATCH_BYTES of events or a single aggregate. `after`, `until`: those alone whose streams come behind
        this one, and no later than that one.
        `whole`: of events of other types it is only told that they are there; an aggregate begins with one of these.

        Ordered by stream, so that each can be folded at once and memory stays bounded. Raises NewerSchemaError
        where the log holds an event type that is not known here, whatever its kind.
        """
        for event_type in await self._event_types():
            check_event_type(event_type)
        types = [str(event_type) for event_type, kind in KIND_OF.items() if kind in kinds]
        with_state = types if whole is None else [str(event_type) for event_type in whole]
        async with transaction(self._pool, isolation="repeatable_read", readonly=True) as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            # Every page reads on in the order of the primary key; sorting would read all of the rest for each.
            await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            ready: list[list[asyncpg.Record]] = []
            size = 0
            async for stream in _streams(_rows(connection, types, with_state, up_to, after, until)):
                own = sum(len(row["state"] or b"") for row in stream)
                if ready and (len(ready) >= batch or size + own > limits.BATCH_BYTES):
                    if found := await self._rows.histories(ready):
                        yield found
                    ready, size = [], 0
                ready.append(stream)
                size += own
            if ready and (found := await self._rows.histories(ready)):
                yield found

    async def _event_types(self) -> list[str]:
        """Every event type in the log: one look into the index for each."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_EVENT_TYPES)
        return [row["topic"] for row in rows]


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
    with_state: Sequence[str],
    up_to: int,
    after: UUID | None,
    until: UUID | None,
) -> AsyncIterator[asyncpg.Record]:
    """Page by page: the database looks for the next one while this one is worked on."""

    def fetch(last: tuple[UUID, int]) -> asyncio.Task[list[asyncpg.Record]]:
        arguments = (types, up_to, *last, PAGE_ROWS, limits.BATCH_BYTES, with_state, until or LAST_STREAM)
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
