"""What aggregates end with: their last events, and the last ones of some types."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from contracts.envelope import DomainEvent
from contracts.event_types import EventType
from eventstore.event_rows import EventRows
from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, acquire


class LastEvent(NamedTuple):
    """The last event of an aggregate, without what it says."""

    version: int
    position: int
    event_type: str


class LastEvents:
    """Every method raises StoreUnavailableError when the database is away, and what gives events what `EventRows`
    raises. What was erased is passed over there.
    """

    def __init__(self, pool: PostgresPool, rows: EventRows, ids: LogIds) -> None:
        self._pool, self._rows, self._ids = pool, rows, ids

    async def of(self, keys: Sequence[AggregateKey]) -> dict[AggregateKey, LastEvent]:
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

    async def position(self, key: AggregateKey, types: Collection[EventType]) -> int:
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

    async def of_types(
        self, keys: Collection[AggregateKey], types: Collection[EventType], after: int = 0, up_to: int | None = None
    ) -> dict[AggregateKey, DomainEvent]:
        """Each aggregate's last event of these types, behind a position and up to another; aggregates without one are
        left out.
        """
        events = await self._rows.fetch(
            "SELECT DISTINCT ON (originator_id) originator_id, notification_id, recorded_at, state "
            "FROM annals.stored_events WHERE originator_id = ANY($1) AND topic = ANY($2) AND notification_id > $3 "
            "AND ($4::bigint IS NULL OR notification_id <= $4) ORDER BY originator_id, originator_version DESC",
            [self._ids.stream(key) for key in keys],
            [str(event_type) for event_type in types],
            after,
            up_to,
        )
        return {AggregateKey.of(event): event for event in events}
