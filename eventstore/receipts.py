"""Which deliveries were processed: what changed nothing leaves no event, and must be remembered all the same."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from eventstore.pool import acquire


class InboxReceipts:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def seen(self, event_ids: Sequence[UUID]) -> set[UUID]:
        """Those that were processed, or whose event is stored (a crash may have come between the two)."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT event_id FROM annals.inbox_receipts WHERE event_id = ANY($1) "
                "UNION SELECT event_id FROM annals.stored_events WHERE event_id = ANY($1)",
                list(event_ids),
            )
        return {UUID(str(row["event_id"])) for row in rows}

    async def record(self, receipts: Iterable[tuple[UUID, str]]) -> None:
        """Remember (event id, outcome) pairs."""
        rows = list(receipts)
        if rows:
            async with acquire(self._pool) as connection:
                await connection.execute(
                    "INSERT INTO annals.inbox_receipts (event_id, outcome) "
                    "SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING",
                    [event_id for event_id, _ in rows],
                    [outcome for _, outcome in rows],
                )
