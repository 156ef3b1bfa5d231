"""Which deliveries were taken in: what changed nothing leaves no event, and must be remembered all the same."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from eventstore.keys import AggregateKey
from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, acquire


class Delivery(NamedTuple):
    """One sending of one document: `event_id` is the sender's, and two tenants or documents may have the same."""

    tenant: str
    document_id: str
    event_id: UUID


class InboxReceipts:
    """Every method raises StoreUnavailableError when the database is away.

    A receipt without tenant is of a version that kept none, and stands for every delivery of its event id; or of a
    document that was erased, and has the id that the delivery's own event would have.
    """

    def __init__(self, pool: PostgresPool, ids: LogIds) -> None:
        self._pool, self._ids = pool, ids

    def stored_id(self, delivery: Delivery) -> UUID:
        """Id of the event that a delivery leads to."""
        return self._ids.delivery(*delivery)

    async def seen(self, deliveries: Sequence[Delivery]) -> set[Delivery]:
        """Those that were taken in, or whose event is stored (a crash may have come between the two)."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT d.number FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[]) "
                "WITH ORDINALITY AS d (tenant, document_id, event_id, originator_id, stored_id, number) "
                "WHERE EXISTS (SELECT FROM annals.inbox_receipts AS r WHERE r.event_id IN (d.event_id, d.stored_id) "
                "AND (r.tenant IS NULL OR (r.tenant = d.tenant AND r.document_id = d.document_id))) "
                # An event of an older version bears the sender's own id.
                "OR EXISTS (SELECT FROM annals.stored_events AS e WHERE e.originator_id = d.originator_id "
                "AND e.event_id IN (d.stored_id, d.event_id))",
                [delivery.tenant for delivery in deliveries],
                [delivery.document_id for delivery in deliveries],
                [delivery.event_id for delivery in deliveries],
                [self._ids.stream(AggregateKey(one.tenant, "document", one.document_id)) for one in deliveries],
                [self.stored_id(delivery) for delivery in deliveries],
            )
        return {deliveries[row["number"] - 1] for row in rows}

    async def record(self, receipts: Iterable[tuple[Delivery, str]]) -> None:
        """Remember (delivery, outcome) pairs."""
        rows = list(receipts)
        if rows:
            async with acquire(self._pool) as connection:
                await connection.execute(
                    "INSERT INTO annals.inbox_receipts (tenant, document_id, event_id, outcome) "
                    "SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) ON CONFLICT DO NOTHING",
                    [delivery.tenant for delivery, _ in rows],
                    [delivery.document_id for delivery, _ in rows],
                    [delivery.event_id for delivery, _ in rows],
                    [outcome for _, outcome in rows],
                )
