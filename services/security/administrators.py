"""A tenant that has an administrator keeps one, whatever is changed of its accounts and roles."""

import contextlib
from collections.abc import AsyncIterator, Callable

from aggregates.account import Account
from aggregates.cause import RefusedError
from eventstore.accounts import AccountReader
from eventstore.pool import PostgresPool, turn
from security.rights import compiled
from security.roles import Policy

PAGE = 500


class Administrators:
    """Raises StoreUnavailableError."""

    def __init__(self, pool: PostgresPool, accounts: AccountReader) -> None:
        self._pool = pool
        self._accounts = accounts

    @contextlib.asynccontextmanager
    async def turn(self, tenant: str) -> AsyncIterator[None]:
        """Nobody else changes who administers the tenant until the block ends: two could remove each other."""
        async with turn(self._pool, f"administrators of {tenant}"):
            yield

    async def check_one_stays(self, tenant: str, before: Policy, after: Policy, *, without: str | None = None) -> None:
        """Whether somebody administers the tenant by the policy `after`, the account `without` left aside.

        Where nobody did by the policy `before`, nobody has to. Raises RefusedError.
        """
        had = await self._anybody(tenant, before, lambda account: True)
        if had and not await self._anybody(tenant, after, lambda account: account.id != without):
            raise RefusedError(
                f"nobody would administer the tenant {tenant} any more; "
                "give another account the role administrator first"
            )

    async def _anybody(self, tenant: str, policy: Policy, counts: Callable[[Account], bool]) -> bool:
        after = ""
        while page := await self._accounts.of_tenant(tenant, after, PAGE):
            if any(counts(account) and administers(account, policy) for account in page):
                return True
            after = page[-1].id
        return False


def administers(account: Account, policy: Policy) -> bool:
    """Whether it is an active account whose roles are an administrator's, at any time and from anywhere."""
    return account.active and compiled(policy, account.roles, None, home=False).are_administration
