"""Who asks (specification 4.1, `authenticate_request`): from a request's credential to a principal, each time."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from time import monotonic

from eventstore.access_version import AccessVersion, Version
from eventstore.accounts import AccountReader
from eventstore.api_keys import USE_KEPT_EVERY, ApiKeys
from security import api_keys
from security.bearer import bearer_of
from security.errors import InvalidCredentialError
from security.principal import Principal
from services.deadline import Deadline

MAX_KNOWN = 10_000
"""Credentials that are kept in memory; those that were not used for longest go."""


@dataclass(slots=True)
class Identity:
    """What was found behind a credential, and when its use was last recorded, on the clock of `monotonic`."""

    principal: Principal
    key_id: str
    expires_at: datetime | None
    recorded_at: float = float("-inf")


class AuthenticationService:
    """Keeps what it found in memory for as long as nobody's access changes, which it asks the database each time.

    So a revoked key and a disabled account are refused at the very next request. Only what counts is kept, by a hash:
    every other credential takes the same way to the database, and as long.
    """

    def __init__(self, version: AccessVersion, keys: ApiKeys, accounts: AccountReader) -> None:
        self._version = version
        self._keys = keys
        self._accounts = accounts
        self._known: OrderedDict[bytes, Identity] = OrderedDict()
        self._known_at: Version | None = None

    async def authenticate(self, authorization: str | None, client: str, deadline: Deadline) -> Principal:
        """The principal behind an `Authorization` header; `client` is the address that it came from.

        Raises AuthenticationError, StoreUnavailableError, DeadlineExceededError.
        """
        credential = bearer_of(authorization)
        digest = sha256(credential.encode()).digest()
        async with deadline.enforce("authenticating"):
            version = await self._version.current()
            if version != self._known_at:
                self._known.clear()
                self._known_at = version
            identity = self._known.get(digest)
            if identity is None:
                identity = await self._identify(credential)
                self._keep(digest, identity, version)
            elif identity.expires_at is not None and identity.expires_at <= datetime.now(UTC):
                del self._known[digest]
                raise InvalidCredentialError("an expired credential", identity.principal.id)
            else:
                self._known.move_to_end(digest)
            await self._record_use(identity)
        return identity.principal

    async def _identify(self, credential: str) -> Identity:
        presented = api_keys.parse(credential)
        if presented is None:
            raise InvalidCredentialError("a credential of no known form")
        key = await self._keys.find(presented.id)
        if not presented.is_of(key) or key is None:
            raise InvalidCredentialError("an unknown key" if key is None else "a wrong secret")
        if (fault := key.fault(datetime.now(UTC))) is not None:
            raise InvalidCredentialError(fault, key.account)
        account = await self._accounts.find(key.tenant, key.account)
        if account is None or not account.active:
            raise InvalidCredentialError("a disabled account", key.account)
        principal = Principal(account.id, account.kind, key.tenant, account.roles, key.scopes, f"key:{key.id}")
        return Identity(principal, key.id, key.expires_at)

    def _keep(self, digest: bytes, identity: Identity, version: Version) -> None:
        """Unless somebody's access changed while it was found: it may be older than that."""
        if version == self._known_at:
            self._known[digest] = identity
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)

    async def _record_use(self, identity: Identity) -> None:
        if monotonic() - identity.recorded_at >= USE_KEPT_EVERY.total_seconds():
            identity.recorded_at = monotonic()
            await self._keys.used(identity.key_id)
