"""The account of whoever runs Annals on this machine, and its key."""

from aggregates.cause import RefusedError
from security.errors import AuthenticationError
from security.local_administrator import ACCOUNT
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.security.accounts import AccountService
from services.security.api_keys import ApiKeyService
from services.security.authentication import AuthenticationService

ROLES = ("administrator",)


class LocalAdministrator:
    """Makes the account once; what an operator changes of it afterwards stays."""

    def __init__(self, accounts: AccountService, keys: ApiKeyService, authentication: AuthenticationService) -> None:
        self._accounts = accounts
        self._keys = keys
        self._authentication = authentication

    async def new_key(self, caller: Caller, held: str | None, name: str, *, deadline: Deadline) -> str | None:
        """A key to be held under this name, None where the `held` one counts or the account is disabled.

        The one that was held under the name before counts no more. Raises StoreUnavailableError, DeadlineExceededError.
        """
        try:
            account = await self._accounts.get(caller, ACCOUNT, deadline=deadline)
        except NotFoundError:
            try:
                account = await self._accounts.create(caller, ACCOUNT, "service", ROLES, deadline=deadline)
            except RefusedError:  # another process was faster
                account = await self._accounts.get(caller, ACCOUNT, deadline=deadline)
        if not account.active or (held is not None and await self._counts(held, caller, deadline)):
            return None
        issued = await self._keys.reissue(caller, ACCOUNT, name, lifetime=None, deadline=deadline)
        return issued.text

    async def _counts(self, held: str, caller: Caller, deadline: Deadline) -> bool:
        try:
            principal = await self._authentication.authenticate(f"Bearer {held}", "local", deadline)
        except AuthenticationError:
            return False
        return principal.id == ACCOUNT and principal.tenant == caller.tenant
