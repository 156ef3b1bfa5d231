"""Events as somebody sees them who may see the documents of some collections alone."""

from collections.abc import Collection
from uuid import UUID

from contracts import limits
from contracts.envelope import DomainEvent
from contracts.event_types import KIND_OF
from eventstore.event_rows import EventRows, event_page
from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, acquire

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


def listed(collections: Collection[str] | None) -> list[str] | None:
    """As a parameter of that condition."""
    return None if collections is None else sorted(collections)


_OF_TENANT = event_page(
    f"tenant = $1 AND topic = ANY($2) AND notification_id > $3 AND notification_id <= $4 AND {seen_within('$7')}",
    rows="$5",
    max_bytes="$6",
)
_OF_REQUEST = event_page(
    f"tenant = $1 AND correlation_id = $2 AND topic = ANY($3) AND notification_id > $4 AND {seen_within('$7')}",
    rows="$5",
    max_bytes="$6",
)
_OF_AGGREGATE = event_page(
    f"originator_id = $1 AND originator_version > $2 AND {seen_within('$5')}",
    rows="$3",
    max_bytes="$4",
    order="originator_version",
)


class SeenEvents:
    """Every method raises StoreUnavailableError when the database is away, and what gives events what `EventRows`
    raises. What was erased is passed over there.

    `collections`: events of documents alone that are, or were at the end, of these, "" for none, and of questions whose
    answers rest on such documents alone; None for all events.
    """

    def __init__(self, pool: PostgresPool, rows: EventRows, ids: LogIds) -> None:
        self._pool, self._rows, self._ids = pool, rows, ids

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
        return await self._rows.page(_OF_TENANT, [tenant, types, after, up_to, limit, limits.BATCH_BYTES, seen], 2)

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
        return await self._rows.page(
            _OF_REQUEST, [tenant, correlation_id, types, after, limit, limits.BATCH_BYTES, seen], 3
        )

    async def of_aggregate(
        self, key: AggregateKey, collections: Collection[str] | None, after_version: int, limit: int
    ) -> list[DomainEvent]:
        """One aggregate's events behind a version, in order; bounded like `of_tenant`."""
        arguments = [self._ids.stream(key), after_version, limit, limits.BATCH_BYTES, listed(collections)]
        return await self._rows.page(_OF_AGGREGATE, arguments, 1, "originator_version")

    async def with_id(
        self, tenant: str, event_id: UUID, collections: Collection[str] | None = None
    ) -> DomainEvent | None:
        """The tenant's event with this id; the oldest, should several aggregates have one."""
        found = await self._rows.fetch(
            "SELECT notification_id, recorded_at, state FROM annals.stored_events "
            f"WHERE event_id = $1 AND tenant = $2 AND {seen_within('$3')} ORDER BY notification_id LIMIT 1",
            event_id,
            tenant,
            listed(collections),
        )
        return found[0] if found else None

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
