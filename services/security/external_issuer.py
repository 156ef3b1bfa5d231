"""Tokens of an external issuer: its keys fetched, kept and fetched again at a bounded rate; its claims mapped."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any

import httpx

from eventstore.accounts import AccountReader
from eventstore.errors import StoreUnavailableError
from security.access_tokens import check_claims
from security.errors import InvalidCredentialError
from security.jose import UnverifiedToken, VerificationKey, check_signature
from security.oidc import ExternalIssuer, UnusableIssuerError, keys_url, own_scopes
from security.principal import Principal
from services.security.identification import Identity

FETCH_LIMIT_S = 5.0
MAX_BYTES = 262_144
MAX_KEYS = 100
FRESH_FOR_S = 600.0
"""So old keys may be; then they are fetched again."""
USABLE_FOR_S = 24 * 3600.0
"""So old keys may be while the issuer does not answer."""
PAUSE_S = 30.0
"""Between two fetches, whoever asks for whichever key."""


class IssuerUnavailableError(StoreUnavailableError):
    """The external issuer of access tokens does not answer; the same call may be tried again."""


class IssuerKeys:
    """The issuer's public keys, by id. `clock` gives seconds that only rise."""

    def __init__(
        self, issuer: ExternalIssuer, client: httpx.AsyncClient, clock: Callable[[], float] = monotonic
    ) -> None:
        self._issuer = issuer
        self._client = client
        self._clock = clock
        self._keys: Mapping[str, VerificationKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def find(self, key_id: str) -> VerificationKey:
        """Fetches where the key is unknown or what is known is old, and not more often than once in PAUSE_S.

        Raises InvalidCredentialError for an unknown key, IssuerUnavailableError where nothing usable is known.
        """
        if key_id not in self._keys or self._age > FRESH_FOR_S:
            async with self._one_at_a_time:
                if (key_id not in self._keys or self._age > FRESH_FOR_S) and self._clock() - self._tried_at >= PAUSE_S:
                    await self._try()
        if self._age > USABLE_FOR_S:
            raise IssuerUnavailableError
        if key_id not in self._keys:
            raise InvalidCredentialError("a token of an unknown key")
        return self._keys[key_id]

    @property
    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _try(self) -> None:
        self._tried_at = self._clock()
        try:
            async with asyncio.timeout(2 * FETCH_LIMIT_S):
                url = keys_url(await self._get(self._issuer.discovery_url), self._issuer)
                found = await self._get(url)
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError, UnusableIssuerError):
            return  # what is known stays usable for a while
        listed = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(listed, list):
            return
        keys = [VerificationKey.of(one) for one in listed[:MAX_KEYS] if isinstance(one, dict)]
        self._keys = {key.key_id: key for key in keys if key is not None}
        self._fetched_at = self._clock()

    async def _get(self, url: str) -> Any:
        """Raises httpx.HTTPError, ValueError."""
        body = b""
        async with self._client.stream("GET", url, headers={"Accept": "application/json"}) as response:
            if response.status_code != 200:
                raise ValueError("no answer that can be used")
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise ValueError("too long an answer")
        return json.loads(body)


def issuer_client() -> httpx.AsyncClient:
    """Follows no redirect, and heeds no proxy of the environment."""
    return httpx.AsyncClient(timeout=FETCH_LIMIT_S, follow_redirects=False, trust_env=False)


class ExternalIssuerIdentification:
    """Of tokens of one external issuer. Somebody it vouches for needs no account here; a disabled one keeps him out."""

    def __init__(self, issuer: ExternalIssuer, keys: IssuerKeys, accounts: AccountReader) -> None:
        self._issuer = issuer
        self._keys = keys
        self._accounts = accounts

    @property
    def issuer(self) -> str:
        """Whose."""
        return self._issuer.issuer

    async def identify(self, token: UnverifiedToken) -> Identity:
        """Whose token it is. Raises InvalidCredentialError, StoreUnavailableError."""
        check_signature(token, await self._keys.find(token.key_id))
        claims = check_claims(token, self._issuer.rules, time())
        tenant, account_id = self._issuer.tenant_of(claims), self._issuer.account_of(claims)
        account = await self._accounts.find(tenant, account_id)
        if account is not None and not account.active:
            raise InvalidCredentialError("a disabled account", account_id, tenant)
        roles = {*self._issuer.roles_of(claims), *(account.roles if account is not None else ())}
        credential = f"oidc:{claims.token_id or claims.subject}"
        principal = Principal(account_id, "user", tenant, tuple(sorted(roles)), own_scopes(claims), credential)
        return Identity(principal, datetime.fromtimestamp(claims.expires_at, UTC))
