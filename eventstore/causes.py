"""What the events of one request followed from, and how long it took: counted in the database, however many."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.event_types import EventType
from eventstore.pool import PostgresPool, acquire, transaction
from eventstore.seen_events import listed, seen_within

_STEPS = f"""
WITH seen AS MATERIALIZED (
    SELECT event_id, topic, notification_id, recorded_at,
        (convert_from(state, 'UTF8')::jsonb ->> 'causation_id')::uuid AS causation_id
    FROM annals.stored_events
    WHERE tenant = $1 AND correlation_id = $2 AND topic = ANY($3) AND {seen_within("$4")}),
causes AS (SELECT DISTINCT ON (event_id) * FROM seen ORDER BY event_id, notification_id),
steps AS (
    SELECT s.*, c.topic AS cause, extract(epoch FROM s.recorded_at - c.recorded_at)::float8 AS seconds
    FROM seen AS s LEFT JOIN causes AS c ON c.event_id = s.causation_id)
SELECT topic, cause, count(*) AS events, min(seconds) AS shortest_s, max(seconds) AS longest_s,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_s,
    min(recorded_at) AS began, max(recorded_at) AS ended, max(notification_id) AS position
FROM steps GROUP BY topic, cause ORDER BY min(notification_id)
"""

_CAUSES = f"""
SELECT DISTINCT ON (event_id) event_id, topic, correlation_id, recorded_at FROM annals.stored_events
WHERE event_id = ANY($1) AND tenant = $2 AND topic = ANY($3) AND {seen_within("$4")} ORDER BY event_id, notification_id
"""


class StepCount(NamedTuple):
    """Events of one type that followed from events of another, or from none of this request (`cause` is None).

    Seconds are from when the cause was recorded until this was; `position` is of the last one.
    """

    event_type: str
    cause: str | None
    events: int
    shortest_s: float | None
    median_s: float | None
    longest_s: float | None
    began: datetime
    ended: datetime
    position: int


class CauseOf(NamedTuple):
    """An event that others followed from."""

    event_type: str
    correlation_id: str
    recorded_at: datetime


class RequestCauses:
    """Raises StoreUnavailableError. `collections`: as for EventReader."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def steps(
        self, tenant: str, correlation_id: str, types: Collection[EventType], collections: Collection[str] | None
    ) -> list[StepCount]:
        """Of a request's events of these types, in the order in which each kind of step first happened."""
        async with transaction(self._pool, readonly=True) as connection:
            # Of a request that has just been recorded the planner expects one event, and would look at each pair.
            await connection.execute("SET LOCAL enable_nestloop = off")
            rows = await connection.fetch(_STEPS, tenant, correlation_id, sorted(types), listed(collections))
        return [
            StepCount(
                row["topic"],
                row["cause"],
                row["events"],
                row["shortest_s"],
                row["median_s"],
                row["longest_s"],
                row["began"],
                row["ended"],
                row["position"],
            )
            for row in rows
        ]

    async def of(
        self, tenant: str, event_ids: Iterable[UUID], types: Collection[EventType], collections: Collection[str] | None
    ) -> dict[UUID, CauseOf]:
        """The tenant's events of these types among these ids."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_CAUSES, list(event_ids), tenant, sorted(types), listed(collections))
        return {
            UUID(str(row["event_id"])): CauseOf(row["topic"], row["correlation_id"], row["recorded_at"]) for row in rows
        }
