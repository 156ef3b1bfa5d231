"""Documents that are to be worked on once more: the relay publishes the events of their present content again.

Stages and read models change nothing for an event that they have processed, so nothing is done twice.
"""

from collections.abc import Collection, Sequence

from contracts.event_types import TAKES_IN, EventType
from eventstore.keys import AggregateKey
from eventstore.log import CHANNEL
from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, transaction


class ReprocessRequests:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, ids: LogIds) -> None:
        self._pool, self._ids = pool, ids

    async def add(self, documents: Sequence[AggregateKey], event_types: Collection[EventType]) -> None:
        """Ask for the events of these types since each document's content was last taken in. Asked twice is once."""
        async with transaction(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.reprocess_requests (position) SELECT e.notification_id "
                "FROM annals.stored_events AS e JOIN (SELECT originator_id, max(originator_version) AS beginning "
                "FROM annals.stored_events WHERE originator_id = ANY($1) AND topic = ANY($2) GROUP BY originator_id) "
                "AS present USING (originator_id) "
                "WHERE e.originator_version >= present.beginning AND e.topic = ANY($3) ON CONFLICT DO NOTHING",
                [self._ids.stream(key) for key in documents],
                [str(event_type) for event_type in sorted(TAKES_IN)],
                [str(event_type) for event_type in event_types],
            )
            await connection.execute(f"NOTIFY {CHANNEL}")
