"""What is behind a credential, by its kind."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from eventstore.access_version import Version
from eventstore.accounts import AccountReader
from eventstore.api_keys import ApiKeys
from security.errors import InvalidCredentialError
from security.principal import Principal
from security.secrets import Secret

AskAlong = Callable[[Principal, Version], Awaitable[Version | None]]
"""Asks for the present version of access along with something else that this principal needs, which counts only where
that is still the given one. None where nothing is to be asked."""


@dataclass(slots=True)
class Identity:
    """What was found, and until when it holds. `key_id`: of an API key, whose last use is recorded.

    `recorded_at` is when that was, on the clock of `time.monotonic`.
    """

    principal: Principal
    expires_at: datetime | None
    key_id: str | None = None
    recorded_at: float = float("-inf")

    @property
    def expired(self) -> bool:
        """Whether it holds no more."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class TokenIdentification(Protocol):
    """Of access tokens."""

    async def identify(self, credential: str) -> Identity:
        """Whose token it is. Raises InvalidCredentialError, StoreUnavailableError."""
        ...


class ApiKeyIdentification:
    """Of API keys."""

    def __init__(self, keys: ApiKeys, accounts: AccountReader) -> None:
        self._keys = keys
        self._accounts = accounts

    async def identify(self, presented: Secret) -> Identity:
        """Whose key it is. Raises InvalidCredentialError, StoreUnavailableError."""
        key = await self._keys.find(presented.id)
        right = presented.is_of(None if key is None else key.secret_hash)
        if key is None or not right:
            raise InvalidCredentialError("an unknown key" if key is None else "a wrong secret")
        if (fault := key.fault(datetime.now(UTC))) is not None:
            raise InvalidCredentialError(fault, key.account, key.tenant)
        account = await self._accounts.find(key.tenant, key.account)
        if account is None or not account.active:
            raise InvalidCredentialError("a disabled account", key.account, key.tenant)
        principal = Principal(account.id, account.kind, key.tenant, account.roles, key.scopes, f"key:{key.id}")
        return Identity(principal, key.expires_at, key.id)
