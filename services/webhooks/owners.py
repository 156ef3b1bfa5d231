"""On whose behalf a webhook is sent events: of the account that added it, with the roles that it has by now."""

from aggregates.webhook import Webhook
from eventstore.accounts import AccountReader
from security.access import FULL_ACCESS
from security.principal import Principal
from services.caller import Caller
from services.errors import AccessDeniedError
from services.security.policies import PolicyService

SOURCE = "webhooks"


class Owners:
    """Asked anew for each event, so that whoever may no longer read is sent nothing."""

    def __init__(self, accounts: AccountReader, policies: PolicyService) -> None:
        self._accounts = accounts
        self._policies = policies

    async def caller_of(self, webhook: Webhook) -> Caller:
        """Raises AccessDeniedError, StoreUnavailableError."""
        if webhook.account is None:
            return Caller(webhook.tenant, SOURCE, SOURCE, FULL_ACCESS)
        account = await self._accounts.find(webhook.tenant, webhook.account)
        if account is None or not account.active:
            raise AccessDeniedError(
                f"the account {webhook.account} is none of this installation, or disabled; "
                "have an active one add the webhook"
            )
        principal = Principal(account.id, account.kind, webhook.tenant, account.roles, None, webhook.consumer)
        access = await self._policies.access_of_the_vouched_for(principal, None)
        return Caller(webhook.tenant, account.id, SOURCE, access)
