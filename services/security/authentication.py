"""Who asks (specification 4.1, `authenticate_request`): from a request's credential to a principal, each time."""

import asyncio
from collections import OrderedDict
from hashlib import sha256
from time import monotonic
from weakref import WeakValueDictionary

from eventstore.access_version import AccessVersion, Version
from eventstore.api_keys import USE_KEPT_EVERY, ApiKeys
from security.attempts import Attempts
from security.bearer import bearer_of
from security.errors import InvalidCredentialError
from security.principal import Principal
from security.secrets import parse_secret
from services.deadline import Deadline
from services.security.identification import ApiKeyIdentification, AskAlong, Identity, TokenIdentification

MAX_KNOWN = 10_000
"""Credentials that are kept in memory; those that were not used for longest go."""


class AuthenticationService:
    """Keeps what it found in memory for as long as nobody's access changes, which it asks the database each time.

    So a revoked key and a disabled account are refused at the very next request. Only what counts is kept, by a hash:
    every other credential takes the same way to the database, and as long.
    """

    def __init__(
        self,
        version: AccessVersion,
        stored_keys: ApiKeys,
        keys: ApiKeyIdentification,
        tokens: TokenIdentification,
        attempts: Attempts,
    ) -> None:
        self._version = version
        self._stored_keys = stored_keys
        self._keys = keys
        self._tokens = tokens
        self._attempts = attempts
        self._known: OrderedDict[bytes, Identity] = OrderedDict()
        self._known_at: Version | None = None
        self._lookups = WeakValueDictionary[bytes, asyncio.Lock]()

    async def authenticate(
        self, authorization: str | None, client: str, deadline: Deadline, along: AskAlong | None = None
    ) -> Principal:
        """The principal behind an `Authorization` header; `client` is the address that it came from.

        Of one who is in memory `along` asks whether nobody's access changed, where it has something else to ask.

        Raises AuthenticationError (TooManyAttemptsError says when to try again), StoreUnavailableError,
        DeadlineExceededError.
        """
        async with deadline.enforce("authenticating"):
            identity = await self._identity(bearer_of(authorization), client, along)
            if identity.key_id is not None:
                await self._record_use(identity, identity.key_id)
        return identity.principal

    async def _identity(self, credential: str, client: str, along: AskAlong | None) -> Identity:
        digest = sha256(credential.encode()).digest()
        known, known_at, version = self._known.get(digest), self._known_at, None
        if along is not None and known is not None and known_at is not None and not known.expired:
            version = await along(known.principal, known_at)
        if version is None:
            version = await self._version.current()
        if version != self._known_at:
            self._known.clear()
            self._known_at = version
        identity = self._known.get(digest)
        if identity is None:
            # Many requests with one credential look it up once.
            async with self._lookups.setdefault(digest, asyncio.Lock()):
                identity = self._known.get(digest)
                if identity is None:
                    identity = await self._found(credential, client, digest.hex())
                    # Unless somebody's access changed while it was found: it may be older than that.
                    if version == self._known_at:
                        self._keep(digest, identity)
        elif identity.expired:
            del self._known[digest]
            raise InvalidCredentialError("an expired credential", identity.principal.id, identity.principal.tenant)
        else:
            self._known.move_to_end(digest)
        return identity

    async def _found(self, credential: str, client: str, subject: str) -> Identity:
        # What came in from there before is no guess: it is let in although others fail from the same address.
        guess = not self._attempts.came_in(client, subject)
        if guess:
            self._attempts.check(client)
        try:
            presented = parse_secret("ann", credential)
            if presented is not None:
                identity = await self._keys.identify(presented)
            else:
                identity = await self._tokens.identify(credential)
        except InvalidCredentialError:
            self._attempts.forget(client, subject)
            if guess:
                self._attempts.failed(client)
            raise
        self._attempts.remember(client, subject)
        return identity

    def _keep(self, digest: bytes, identity: Identity) -> None:
        self._known[digest] = identity
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    async def _record_use(self, identity: Identity, key_id: str) -> None:
        if monotonic() - identity.recorded_at >= USE_KEPT_EVERY.total_seconds():
            identity.recorded_at = monotonic()
            await self._stored_keys.used(key_id)
