"""The log as its chain of hashes covers it: whole rows, in the order of positions. Reads only."""

from collections.abc import Sequence
from typing import Any

from contracts import limits
from eventstore.pages import page
from eventstore.pool import PostgresPool, acquire
from security.event_chain import ChainedEvent

PAGE_ROWS = 2000
BEFORE_ALL = -(2**63)
"""Below every position, also those that nobody gives."""
# Whoever changed a row may have left nothing, or no time, in a column.
_COLUMNS = (
    "notification_id, follows, timestamptz_send(recorded_at), originator_id, originator_version, event_id, "
    "coalesce(topic, ''), tenant, aggregate_id, correlation_id, coalesce(state, ''), hash"
)
_AFTER = page(
    _COLUMNS,
    size="coalesce(octet_length(state), 0)",
    source="annals.stored_events WHERE notification_id > $1",
    order="notification_id",
    rows="$2",
    max_bytes="$3",
)


_AT = f"SELECT {_COLUMNS} FROM annals.stored_events WHERE notification_id = $1"


class ChainedEvents:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def count(self, before: int | None = None) -> int:
        """How many events there are, or lie before a position."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM annals.stored_events WHERE $1::bigint IS NULL OR notification_id < $1", before
                )
            )

    async def at(self, position: int) -> ChainedEvent | None:
        """The event at a position."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(_AT, position)
        return None if row is None else _event(*row)

    async def after(self, position: int) -> Sequence[ChainedEvent]:
        """The next events behind a position; at most PAGE_ROWS, and at most BATCH_BYTES or a single one."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(_AFTER, position, PAGE_ROWS, limits.BATCH_BYTES)
        return [_event(*row) for row in rows]


def _event(position: int, follows: int, recorded_at: bytes, *others: Any) -> ChainedEvent:
    return ChainedEvent(position, follows, int.from_bytes(recorded_at, signed=True), *others)
