"""API keys: issued, looked at, rotated, revoked."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.payload import storable
from eventstore.accounts import AccountReader
from eventstore.api_keys import ApiKeys
from security.api_keys import ApiKey
from security.audit import AuditLog
from security.secrets import Secret, new_secret
from services.caller import Caller
from services.deadline import Deadline
from services.errors import InvalidRequestError, NotFoundError
from services.security.auditing import audited
from services.security.scopes import narrowed

DEFAULT_LIFETIME = timedelta(days=365)
MAX_PAGE = 1000
MAX_NAME = 128


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """`text` is what its holder sends; it is shown this once and cannot be told again."""

    key: ApiKey
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Keys by their ids. `next` is given to get those behind them; None where there are no more."""

    keys: tuple[ApiKey, ...]
    next: str | None


class ApiKeyService:
    """Every method raises AccessDeniedError, StoreUnavailableError, DeadlineExceededError.

    Nobody makes a key that may do more than he may himself.
    """

    def __init__(self, keys: ApiKeys, accounts: AccountReader, audit: AuditLog) -> None:
        self._keys = keys
        self._accounts = accounts
        self._audit = audit

    async def issue(
        self,
        caller: Caller,
        account_id: str,
        name: str,
        *,
        scopes: Collection[str] | None = None,
        lifetime: timedelta | None = DEFAULT_LIFETIME,
        deadline: Deadline,
    ) -> IssuedKey:
        """A new key of an account of the caller's tenant; without `lifetime` it counts until it is revoked.

        Raises NotFoundError, InvalidRequestError.
        """
        async with (
            audited(self._audit, caller, "administration", "issue key", "keys", account_id),
            deadline.enforce("issuing a key"),
        ):
            presented, key = await self._new(caller, account_id, name, scopes, lifetime)
            await self._keys.add(key)
        return IssuedKey(key, presented.text)

    async def reissue(
        self, caller: Caller, account_id: str, name: str, *, lifetime: timedelta | None, deadline: Deadline
    ) -> IssuedKey:
        """As `issue`, and every other key of the account with this name counts no more."""
        async with (
            audited(self._audit, caller, "administration", "issue key", "keys", account_id),
            deadline.enforce("issuing a key"),
        ):
            presented, key = await self._new(caller, account_id, name, None, lifetime)
            await self._keys.take_the_place(key)
        return IssuedKey(key, presented.text)

    async def get(self, caller: Caller, key_id: str, *, deadline: Deadline) -> ApiKey:
        """One key of the caller's tenant. Raises NotFoundError."""
        caller.require("keys", "read")
        async with deadline.enforce("reading a key"):
            key = await self._keys.find(key_id)
        if key is None or key.tenant != caller.tenant:
            raise _unknown(key_id)
        caller.require("keys", "read", {"account": key.account})
        return key

    async def list(
        self, caller: Caller, account_id: str | None = None, *, after: str = "", limit: int = 100, deadline: Deadline
    ) -> KeyPage:
        """Keys of the caller's tenant, or of one account, whose ids are behind `after`; at most MAX_PAGE."""
        caller.require("keys", "read", {} if account_id is None else {"account": account_id})
        count = max(1, min(limit, MAX_PAGE))
        async with deadline.enforce("listing keys"):
            found = await self._keys.of_tenant(caller.tenant, account_id, after, count + 1)
        more = len(found) > count
        return KeyPage(tuple(found[:count]), found[count - 1].id if more else None)

    async def revoke(self, caller: Caller, key_id: str, *, deadline: Deadline) -> ApiKey:
        """Refuse the key from the next request on; a revoked one stays as it is. Raises NotFoundError."""
        async with (
            audited(self._audit, caller, "administration", "revoke key", "keys", key_id),
            deadline.enforce("revoking a key"),
        ):
            caller.require("keys", "administer")
            key = await self._keys.find(key_id)
            if key is None or key.tenant != caller.tenant:
                raise _unknown(key_id)
            caller.require("keys", "administer", {"account": key.account})
            await self._keys.revoke(caller.tenant, key_id)
            return await self._keys.find(key_id) or key

    async def rotate(self, caller: Caller, key_id: str, *, overlap: timedelta, deadline: Deadline) -> IssuedKey:
        """A new key like this one, with as much time to live as that was given; the old one counts for `overlap` more.

        Raises NotFoundError, InvalidRequestError.
        """
        async with (
            audited(self._audit, caller, "administration", "rotate key", "keys", key_id),
            deadline.enforce("rotating a key"),
        ):
            caller.require("keys", "administer")
            old = await self._keys.find(key_id)
            if old is None or old.tenant != caller.tenant:
                raise _unknown(key_id)
            lifetime = None if old.expires_at is None else old.expires_at - old.created_at
            presented, key = await self._new(caller, old.account, old.name, old.scopes, lifetime)
            if old.fault(key.created_at) is not None:
                raise InvalidRequestError(f"key {key_id} counts no more; create a new one")
            await self._keys.rotate(old.id, key, key.created_at + max(overlap, timedelta(0)))
        return IssuedKey(key, presented.text)

    async def _new(
        self, caller: Caller, account_id: str, name: str, scopes: Collection[str] | None, lifetime: timedelta | None
    ) -> tuple[Secret, ApiKey]:
        caller.require("keys", "administer", {"account": account_id})
        account = await self._accounts.find(caller.tenant, account_id)
        if account is None:
            raise NotFoundError(f"there is no account {account_id!r}; `annals users list` shows what there is")
        wanted = narrowed(scopes)
        caller.require_to_give(account.roles, wanted)
        if lifetime is not None and lifetime <= timedelta(0):
            raise InvalidRequestError("a key cannot have expired when it is made; give it a time to live")
        presented, now = new_secret("ann"), datetime.now(UTC)
        try:
            expires_at = None if lifetime is None else now + lifetime
        except OverflowError:
            raise InvalidRequestError("the key would outlive the calendar; give it a shorter time to live") from None
        key = ApiKey(
            id=presented.id,
            tenant=caller.tenant,
            account=account_id,
            name=_checked_name(name),
            secret_hash=presented.hash(),
            scopes=wanted,
            created_at=now,
            created_by=caller.actor,
            expires_at=expires_at,
        )
        return presented, key


def _checked_name(name: str) -> str:
    try:
        storable(name)
    except ValueError as error:
        raise InvalidRequestError(f"the key's name {error}") from None
    if not name.strip() or len(name) > MAX_NAME:
        raise InvalidRequestError(f"a key's name has 1 to {MAX_NAME} characters; say what the key is for")
    return name


def _unknown(key_id: str) -> NotFoundError:
    return NotFoundError(f"there is no key {key_id[:64]!r}; `annals keys list` shows what there is")
