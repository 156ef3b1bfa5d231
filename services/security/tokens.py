"""Access tokens for the operator: issued without a password, looked at by their sign-ins, revoked."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from aggregates.account import Account
from eventstore.accounts import AccountReader
from eventstore.tokens import Tokens
from security.audit import AuditLog
from security.refresh_tokens import RefreshToken
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.security.access_tokens import LIFETIME, AccessToken, AccessTokenIssuer
from services.security.auditing import audited
from services.security.scopes import narrowed
from services.security.sign_in import SIGNED_IN_FOR
from services.security.signing import LONGEST_TOKEN

MAX_SIGN_INS = 1000


class TokenService:
    """Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.

    Nobody makes a token that may do more than he may himself.
    """

    def __init__(self, accounts: AccountReader, tokens: Tokens, issuer: AccessTokenIssuer, audit: AuditLog) -> None:
        self._accounts = accounts
        self._tokens = tokens
        self._issuer = issuer
        self._audit = audit

    async def issue(
        self,
        caller: Caller,
        account_id: str,
        *,
        scopes: Collection[str] | None = None,
        lifetime: timedelta = LIFETIME,
        deadline: Deadline,
    ) -> AccessToken:
        """A token of an account of the caller's tenant. Raises NotFoundError, InvalidRequestError, WrongScopeError."""
        async with (
            audited(self._audit, caller, "administration", "issue token", "keys", account_id),
            deadline.enforce("issuing a token"),
        ):
            caller.require("keys", "administer", {"account": account_id})
            if not timedelta(0) < lifetime <= LONGEST_TOKEN:
                minutes = LONGEST_TOKEN.total_seconds() / 60
                raise InvalidRequestError(f"a token lives for at most {minutes:.0f} minutes; for longer, make a key")
            account, wanted = await self._existing(caller, account_id), narrowed(scopes)
            caller.require_to_give(account.roles, wanted)
            return await self._issuer.issue(caller.tenant, account_id, wanted, lifetime=lifetime)

    async def sign_ins(
        self, caller: Caller, account_id: str | None = None, *, deadline: Deadline
    ) -> Sequence[RefreshToken]:
        """Those that go on, of the caller's tenant or of one account; the newest first, at most MAX_SIGN_INS."""
        caller.require("keys", "read", {} if account_id is None else {"account": account_id})
        async with deadline.enforce("listing sign-ins"):
            return await self._tokens.of_tenant(caller.tenant, account_id, MAX_SIGN_INS)

    async def revoke(self, caller: Caller, token_id: str, *, deadline: Deadline) -> None:
        """Refuse an access token (by its `jti`) or a whole sign-in (by its `sid`) from the next request on.

        One that there is not is refused as well. Raises InvalidRequestError.
        """
        async with (
            audited(self._audit, caller, "administration", "revoke token", "keys", token_id),
            deadline.enforce("revoking a token"),
        ):
            caller.require("keys", "administer")
            if not token_id.isascii() or not token_id.isalnum() or len(token_id) > 64:
                raise InvalidRequestError("this is no token's id; take its `jti`, or the id of a sign-in")
            await self._tokens.revoke(caller.tenant, token_id, datetime.now(UTC) + SIGNED_IN_FOR + LONGEST_TOKEN)

    async def revoke_all(self, caller: Caller, account_id: str, *, deadline: Deadline) -> datetime:
        """Refuse all tokens of an account that were issued until now, at that time. Raises NotFoundError."""
        async with (
            audited(self._audit, caller, "administration", "revoke all tokens", "keys", account_id),
            deadline.enforce("revoking tokens"),
        ):
            caller.require("keys", "administer", {"account": account_id})
            await self._existing(caller, account_id)
            return await self._tokens.revoke_all(caller.tenant, account_id)

    async def _existing(self, caller: Caller, account_id: str) -> Account:
        account = await self._accounts.find(caller.tenant, account_id)
        if account is None:
            raise NotFoundError(f"there is no account {account_id[:128]!r}; `annals users list` shows what there is")
        return account
