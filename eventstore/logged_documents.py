"""The documents of the log by their ids and collections, those of whose events no read model knows yet included."""

from collections.abc import Collection

from contracts.event_types import EventType
from eventstore.pool import PostgresPool, acquire
from eventstore.seen_events import listed


class LoggedDocuments:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def within(self, tenant: str, document_ids: Collection[str], collections: Collection[str]) -> frozenset[str]:
        """Those of these documents that are, or were at the end, of one of these collections."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT document_id FROM annals.document_collections "
                "WHERE tenant = $1 AND document_id = ANY($2) AND collection = ANY($3)",
                tenant,
                list(document_ids),
                list(collections),
            )
        return frozenset(row["document_id"] for row in rows)

    async def ids(
        self,
        tenant: str,
        prefix: str,
        behind: str,
        limit: int,
        collections: Collection[str] | None = None,
        *,
        file_prefix: str = "",
    ) -> list[str]:
        """The next documents behind an id whose ids begin so and that are not deleted, by id: at most `limit`.

        `file_prefix`: of those only lines of files whose addresses begin so.
        """
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT document_id FROM annals.document_collections AS d "
                "WHERE tenant = $1 AND starts_with(document_id, $2) AND document_id > $3 "
                "AND ($5::text[] IS NULL OR collection = ANY($5)) AND ($6 = '' OR starts_with(file, $6)) "
                "AND (SELECT topic FROM annals.stored_events AS e WHERE e.originator_id = d.originator_id "
                f"AND topic <> '{EventType.MENTIONS_REASSIGNED}' "
                f"ORDER BY originator_version DESC LIMIT 1) <> '{EventType.DOCUMENT_DELETED}' "
                "ORDER BY document_id LIMIT $4",
                tenant,
                prefix,
                behind,
                limit,
                listed(collections),
                file_prefix,
            )
        return [row["document_id"] for row in rows]
