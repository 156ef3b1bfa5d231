"""Webhooks as the log has them, and beside it their sealed secrets and how long they fail."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from aggregates.webhook import Webhook
from contracts.event_types import WEBHOOK_TYPES, EventType
from eventstore.keys import AggregateKey
from eventstore.pool import PostgresPool, acquire
from eventstore.reader import EventReader


def webhook_key(tenant: str, webhook_id: str) -> AggregateKey:
    """The webhook's aggregate."""
    return AggregateKey(tenant, "webhook", webhook_id)


class Failing(NamedTuple):
    """Since when nothing could be sent, and what went wrong last."""

    since: datetime
    cause: str


class Failed(NamedTuple):
    """Seconds for which one event is tried, and for which nothing could be sent."""

    event_s: float
    all_s: float


class Webhooks:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, reader: EventReader) -> None:
        self._pool = pool
        self._reader = reader

    async def find(self, tenant: str, webhook_id: str) -> Webhook | None:
        """The webhook as it is now; none that is removed."""
        key = webhook_key(tenant, webhook_id)
        found = Webhook.project((await self._reader.of_aggregates([key])).get(key, ()))
        return None if found is None or found.removed else found

    async def all(self, tenant: str | None) -> Sequence[Webhook]:
        """A tenant's webhooks that are not removed, or those of all tenants, in the order in which they were added."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT e.tenant, e.aggregate_id FROM annals.stored_events AS e WHERE e.topic = $1 "
                "AND ($2::text IS NULL OR e.tenant = $2) AND EXISTS (SELECT FROM annals.webhooks AS w "
                "WHERE w.tenant = e.tenant AND w.id = e.aggregate_id) ORDER BY e.notification_id",
                str(EventType.WEBHOOK_ADDED),
                tenant,
            )
        keys = [webhook_key(row["tenant"], row["aggregate_id"]) for row in rows]
        found = await self._reader.of_aggregates(keys)
        states = (Webhook.project(found.get(key, ())) for key in keys)
        return [state for state in states if state is not None and not state.removed]

    async def changed(self) -> int:
        """A number that grows with each change of any webhook."""
        async with acquire(self._pool) as connection:
            found = await connection.fetchval(
                "SELECT coalesce(max(notification_id), 0) FROM annals.stored_events WHERE topic = ANY($1)",
                [str(event_type) for event_type in WEBHOOK_TYPES],
            )
        return int(found)

    async def keep_secret(self, tenant: str, webhook_id: str, sealed: bytes) -> None:
        """Before the webhook is added."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.webhooks (tenant, id, sealed_secret) VALUES ($1, $2, $3)",
                tenant,
                webhook_id,
                sealed,
            )

    async def replace_secret(self, tenant: str, webhook_id: str, sealed: bytes, former_s: float) -> None:
        """The one that it had signs for `former_s` seconds more, and the one before that no more."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.webhooks SET sealed_secret = $3, "
                "sealed_former_secret = CASE WHEN $4 > 0 THEN sealed_secret END, "
                "former_until = CASE WHEN $4 > 0 THEN now() + $4 * interval '1 second' END "
                "WHERE tenant = $1 AND id = $2",
                tenant,
                webhook_id,
                sealed,
                former_s,
            )

    async def secrets(self, tenant: str, webhook_id: str) -> Sequence[bytes]:
        """Those that sign now, as they are sealed: the newest first, none where the webhook is no more."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT sealed_secret, CASE WHEN former_until > now() THEN sealed_former_secret END AS former "
                "FROM annals.webhooks WHERE tenant = $1 AND id = $2",
                tenant,
                webhook_id,
            )
        return [] if row is None else [one for one in row.values() if one is not None]

    async def forget(self, tenant: str, webhook_id: str) -> None:
        """After it is removed: its secret, and how it failed."""
        async with acquire(self._pool) as connection:
            await connection.execute("DELETE FROM annals.webhooks WHERE tenant = $1 AND id = $2", tenant, webhook_id)

    async def failed(self, tenant: str, webhook_id: str, event_id: UUID, cause: str) -> Failed:
        """A try to send this event failed."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "UPDATE annals.webhooks SET trying = $3, "
                "trying_since = CASE WHEN trying = $3 THEN trying_since ELSE now() END, "
                "failing_since = coalesce(failing_since, now()), cause = $4 WHERE tenant = $1 AND id = $2 "
                "RETURNING extract(epoch FROM now() - trying_since)::float8 AS event_s, "
                "extract(epoch FROM now() - failing_since)::float8 AS all_s",
                tenant,
                webhook_id,
                event_id,
                cause[:1000],
            )
        return Failed(0.0, 0.0) if row is None else Failed(row["event_s"], row["all_s"])

    async def went_well(self, tenant: str, webhook_id: str) -> None:
        """Something could be sent, or it is to be tried anew."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.webhooks SET trying = NULL, trying_since = NULL, failing_since = NULL, cause = NULL "
                "WHERE tenant = $1 AND id = $2 AND failing_since IS NOT NULL",
                tenant,
                webhook_id,
            )

    async def failing(self, tenant: str) -> dict[str, Failing]:
        """Those of the tenant that fail now, by id."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT id, failing_since, cause FROM annals.webhooks WHERE tenant = $1 AND failing_since IS NOT NULL",
                tenant,
            )
        return {row["id"]: Failing(row["failing_since"], row["cause"]) for row in rows}
