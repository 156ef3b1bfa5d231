"""Accounts as the log has them."""

from collections.abc import Sequence

from aggregates.account import Account
from contracts.event_types import EventType
from eventstore.keys import AggregateKey
from eventstore.pool import PostgresPool, acquire
from eventstore.reader import EventReader


def account_key(tenant: str, account_id: str) -> AggregateKey:
    """The account's aggregate."""
    return AggregateKey(tenant, "account", account_id)


class AccountReader:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, reader: EventReader) -> None:
        self._pool = pool
        self._reader = reader

    async def find(self, tenant: str, account_id: str) -> Account | None:
        """The account as it is now."""
        key = account_key(tenant, account_id)
        return Account.project((await self._reader.of_aggregates([key])).get(key, ()))

    async def of_tenant(self, tenant: str, after: str, limit: int) -> Sequence[Account]:
        """Accounts of a tenant, by id behind `after`."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT aggregate_id FROM annals.stored_events WHERE topic = $1 AND tenant = $2 "
                'AND aggregate_id COLLATE "C" > $3 ORDER BY aggregate_id COLLATE "C" LIMIT $4',
                str(EventType.ACCOUNT_CREATED),
                tenant,
                after,
                limit,
            )
        keys = [account_key(tenant, row["aggregate_id"]) for row in rows]
        found = await self._reader.of_aggregates(keys)
        accounts = [Account.project(found.get(key, ())) for key in keys]
        return [account for account in accounts if account is not None]
