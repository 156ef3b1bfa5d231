"""Questions of compliance checks that no other part of the event store asks."""

from collections.abc import Sequence
from datetime import timedelta

from contracts.event_types import EventType
from eventstore.pool import PostgresPool, acquire


class ComplianceReads:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def oldest_present_key(self) -> timedelta | None:
        """Age of the oldest data key that encrypts and was used; None where there is none."""
        async with acquire(self._pool) as connection:
            age: timedelta | None = await connection.fetchval(
                "SELECT now() - min(created_at) FROM annals.data_keys WHERE retired_at IS NULL "
                # An aggregate's key is replaced when something is appended that it would seal.
                "AND subject NOT LIKE 'stream/%'"
            )
        return age

    async def not_seen(self, tenant: str, accounts: Sequence[str], within: timedelta) -> list[str]:
        """Those of whom no audit entry, and no event that made them, is younger."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT account FROM unnest($2::text[]) AS a (account) WHERE NOT EXISTS (SELECT FROM annals.audit_log "
                "AS l WHERE l.tenant = $1 AND l.actor = a.account AND l.at > now() - $3::interval) AND NOT EXISTS ("
                "SELECT FROM annals.stored_events AS e WHERE e.topic = $4 AND e.tenant = $1 AND "
                "e.aggregate_id = a.account AND (convert_from(e.state, 'UTF8')::jsonb ->> 'timestamp')::timestamptz "
                "> now() - $3::interval) ORDER BY account",
                tenant,
                list(accounts),
                within,
                str(EventType.ACCOUNT_CREATED),
            )
        return [row["account"] for row in rows]

    async def texts_of_deleted(self, tenant: str) -> int:
        """Deleted documents of which a text is stored."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    "SELECT count(*) FROM (SELECT c.document_id FROM annals.stored_events AS e "
                    "JOIN annals.document_collections AS c USING (originator_id) WHERE e.topic = $2 "
                    "AND e.tenant = $1 AND NOT EXISTS (SELECT FROM annals.stored_events AS l "
                    "WHERE l.originator_id = e.originator_id AND l.originator_version > e.originator_version)) AS d "
                    "WHERE EXISTS (SELECT FROM annals.texts AS t "
                    "WHERE t.tenant = $1 AND t.document_id = d.document_id)",
                    tenant,
                    str(EventType.DOCUMENT_DELETED),
                )
            )
