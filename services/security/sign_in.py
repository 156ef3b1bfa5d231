"""Signing in with a password: a short-lived access token, and a refresh token that is good for the next pair."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from aggregates.account import Account
from contracts.accounts import AccountId
from contracts.envelope import Tenant
from eventstore.accounts import AccountReader
from eventstore.passwords import Passwords
from eventstore.tokens import Tokens
from security.attempts import Attempts
from security.audit import AuditEntry, AuditLog
from security.errors import AuthenticationError, InvalidCredentialError
from security.passwords import PasswordHashing, check_new_password
from security.refresh_tokens import RefreshToken
from security.secrets import new_id, new_secret, parse_secret
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.security.access_tokens import LIFETIME, AccessToken, AccessTokenIssuer
from services.security.auditing import audited
from services.security.scopes import narrowed
from services.security.threats import ThreatDetector

SIGNED_IN_FOR = timedelta(hours=12)
"""After which the password is asked for again, however often the tokens were refreshed."""

_ACCOUNT: TypeAdapter[str] = TypeAdapter(AccountId)
_TENANT: TypeAdapter[str] = TypeAdapter(Tenant)


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What somebody who signed in gets. `refresh_token` is good once, until `refresh_expires_at`."""

    access: AccessToken
    refresh_token: str = field(repr=False)
    refresh_expires_at: datetime


class SignInService:
    """Every method raises StoreUnavailableError, DeadlineExceededError. The audit log gets each attempt.

    A blocked address is refused before anything that it sends is looked at; a blocked account's tokens are refused
    where they are used, so that nothing here tells whether there is one.
    """

    def __init__(
        self,
        accounts: AccountReader,
        passwords: Passwords,
        hashing: PasswordHashing,
        tokens: Tokens,
        issuer: AccessTokenIssuer,
        attempts: Attempts,
        threats: ThreatDetector,
        audit: AuditLog,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._hashing = hashing
        self._tokens = tokens
        self._issuer = issuer
        self._attempts = attempts
        self._threats = threats
        self._audit = audit

    async def set_password(self, caller: Caller, account_id: str, password: str, *, deadline: Deadline) -> None:
        """Give a user another password, and end what was signed in with the old one.

        Raises AccessDeniedError, NotFoundError, WeakPasswordError, InvalidRequestError, PasswordsBusyError.
        """
        async with (
            audited(self._audit, caller, "administration", "set password", "users", account_id),
            deadline.enforce("setting a password"),
        ):
            caller.require("users", "administer", {"account": account_id})
            account = await self._find(caller.tenant, account_id)
            if account is None:
                raise NotFoundError(f"there is no account {account_id[:128]!r}; see: annals users list")
            caller.require_to_give(account.roles)
            if account.kind != "user":
                raise InvalidRequestError(f"{account_id} is a service account; give it a key: annals keys create")
            check_new_password(password, account_id)
            await self._passwords.set(caller.tenant, account_id, await self._hashing.hash(password))

    async def sign_in(
        self,
        tenant: str,
        account_id: str,
        password: str,
        client: str,
        *,
        scopes: Collection[str] | None = None,
        request_id: str = "",
        deadline: Deadline,
    ) -> TokenPair:
        """Takes as long for an account that there is not. `client` is the address that the request came from.

        Raises AuthenticationError (TooManyAttemptsError and BlockedError say when to try again), PasswordsBusyError,
        WrongScopeError, InvalidRequestError.
        """
        wanted = narrowed(scopes)
        record = self._recording("sign in", client, request_id)
        async with deadline.enforce("signing in"):
            try:
                self._threats.check(client)
                account = await self._checked(tenant, account_id, password, client)
            except AuthenticationError as error:
                await record(error.tenant, error.account, error.reason)
                raise
            pair, token = await self._pair(tenant, account.id, new_id(), wanted, None)
            await self._tokens.add(token)
            await record(tenant, account.id)
        return pair

    async def refresh(self, refresh_token: str, client: str, *, request_id: str = "", deadline: Deadline) -> TokenPair:
        """The next pair. A refresh token that comes a second time ends the whole sign-in: one of two holders stole it.

        Raises AuthenticationError.
        """
        record = self._recording("refresh", client, request_id)
        async with deadline.enforce("refreshing tokens"):
            try:
                self._threats.check(client)
                token, pair = await self._refreshed(refresh_token, client)
            except AuthenticationError as error:
                await record(error.tenant, error.account, error.reason)
                raise
            await record(token.tenant, token.account)
        return pair

    async def sign_out(self, refresh_token: str, client: str, *, request_id: str = "", deadline: Deadline) -> None:
        """End the sign-in that a refresh token is of; an unknown one is none, and nothing is said of it.

        Raises BlockedError, TooManyAttemptsError.
        """
        record = self._recording("sign out", client, request_id)
        async with deadline.enforce("signing out"):
            try:
                self._threats.check(client)
                self._attempts.begin(client)
            except AuthenticationError as error:
                await record(error.tenant, error.account, error.reason)
                raise
            token = await self._presented(refresh_token)
            if token is None:
                await record(None, "", "an unknown refresh token")
                return
            self._attempts.succeeded(client)
            await self._end_family(token)
            await record(token.tenant, token.account)

    async def _checked(self, tenant: str, account_id: str, password: str, client: str) -> Account:
        subject = f"{tenant[:64]}/{account_id[:128]}"
        self._attempts.begin(client, subject)
        account = await self._find(tenant, account_id)
        usable = account is not None and account.active and account.kind == "user"
        # Asked whether or not there is such an account: the answer takes as long.
        stored = await self._passwords.find(tenant, account_id) if _is_name(tenant, account_id) else None
        right = await self._hashing.verify(stored if usable else None, password)
        if account is None:
            raise InvalidCredentialError("an unknown account")
        if not right or stored is None:
            reason = "a wrong password" if usable else "an account that cannot sign in"
            raise InvalidCredentialError(reason, account_id, tenant)
        self._attempts.succeeded(client, subject)
        if self._hashing.is_outdated(stored):
            await self._passwords.replace_hash(tenant, account_id, stored, await self._hashing.hash(password))
        return account

    async def _refreshed(self, refresh_token: str, client: str) -> tuple[RefreshToken, TokenPair]:
        self._attempts.begin(client)
        token = await self._presented(refresh_token)
        if token is None or token.expires_at <= datetime.now(UTC):
            raise InvalidCredentialError("an unknown or expired refresh token")
        account = await self._accounts.find(token.tenant, token.account)
        if account is None or not account.active:
            raise InvalidCredentialError("a disabled account", token.account, token.tenant)
        issued_at = token.created_at.timestamp()
        if await self._tokens.is_revoked(token.tenant, token.account, [token.family], issued_at):
            raise InvalidCredentialError("a revoked refresh token", token.account, token.tenant)
        pair, following = await self._pair(token.tenant, token.account, token.family, token.scopes, token)
        if token.used_at is not None or not await self._tokens.exchange(token, following):
            await self._end_family(token)
            raise InvalidCredentialError("a refresh token that was used before", token.account, token.tenant)
        self._attempts.succeeded(client)
        return token, pair

    async def _presented(self, refresh_token: str) -> RefreshToken | None:
        secret = parse_secret("anr", refresh_token[:256])
        token = None if secret is None else await self._tokens.find(secret.id)
        right = secret is not None and secret.is_of(None if token is None else token.secret_hash)
        return token if right else None

    async def _end_family(self, token: RefreshToken) -> None:
        await self._tokens.revoke(token.tenant, token.family, token.expires_at + LIFETIME)

    async def _pair(
        self,
        tenant: str,
        account_id: str,
        family: str,
        scopes: tuple[str, ...] | None,
        before: RefreshToken | None,
    ) -> tuple[TokenPair, RefreshToken]:
        access = await self._issuer.issue(tenant, account_id, scopes, family=family)
        secret, now = new_secret("anr"), datetime.now(UTC)
        expires_at = now + SIGNED_IN_FOR if before is None else before.expires_at
        token = RefreshToken(secret.id, family, tenant, account_id, secret.hash(), scopes, now, expires_at)
        return TokenPair(access, secret.text, expires_at), token

    async def _find(self, tenant: str, account_id: str) -> Account | None:
        return await self._accounts.find(tenant, account_id) if _is_name(tenant, account_id) else None

    def _recording(self, action: str, client: str, request_id: str) -> Callable[..., Awaitable[None]]:
        async def record(tenant: str | None, account_id: str, reason: str = "") -> None:
            await self._audit.record(
                AuditEntry(
                    tenant=tenant,
                    actor=account_id or "unknown",
                    category="authentication",
                    action=action,
                    resource="users",
                    object_id=account_id,
                    outcome="failed" if reason else "success",
                    reason=reason,
                    address=client,
                    request_id=request_id,
                )
            )

        return record


def _is_name(tenant: str, account_id: str) -> bool:
    try:
        _TENANT.validate_python(tenant)
        _ACCOUNT.validate_python(account_id)
    except ValidationError:
        return False
    return True
