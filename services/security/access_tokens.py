"""Access tokens of our own: made, and told from all others."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import time
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from contracts.envelope import Tenant
from eventstore.accounts import AccountReader
from eventstore.signing_keys import SigningKeys
from eventstore.tokens import Tokens
from security.access_tokens import TokenRules, check_claims
from security.errors import InvalidCredentialError
from security.jose import UnverifiedToken, VerificationKey, check_signature, parse
from security.principal import Principal
from security.secrets import new_id
from security.signing_keys import ALGORITHM
from services.security.identification import Identity
from services.security.signing import LONGEST_TOKEN, TokenSigner

AUDIENCE = "annals"
LIFETIME = timedelta(minutes=10)

_TENANT: TypeAdapter[str] = TypeAdapter(Tenant)
_KEY_ID = re.compile(r"[a-z2-7]{16}", re.ASCII)


def issuer_of(log_id: str) -> str:
    """Of one installation: a token of another one is of another issuer."""
    return f"urn:annals:{log_id}"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """`text` is what its holder sends; it is shown this once."""

    text: str = field(repr=False)
    id: str
    account: str
    expires_at: datetime
    scopes: tuple[str, ...] | None


class AccessTokenIssuer:
    """Makes them."""

    def __init__(self, issuer: str, signer: TokenSigner) -> None:
        self._issuer = issuer
        self._signer = signer

    async def issue(
        self,
        tenant: str,
        account: str,
        scopes: Collection[str] | None,
        *,
        family: str | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> AccessToken:
        """For an account that was authenticated. Raises StoreUnavailableError, EncryptionError."""
        now, token_id = time(), new_id()
        expires = now + min(lifetime, LONGEST_TOKEN).total_seconds()
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": account,
            "client_id": "annals",
            "tenant": tenant,
            "jti": token_id,
            # With its fraction: what was issued in the second in which others were revoked is told from them.
            "iat": round(now, 6),
            "nbf": round(now, 6),
            "exp": round(expires, 6),
            **({} if scopes is None else {"scope": " ".join(scopes)}),
            **({} if family is None else {"sid": family}),
        }
        text = await self._signer.sign(claims)
        narrowed = None if scopes is None else tuple(scopes)
        return AccessToken(text, token_id, account, datetime.fromtimestamp(expires, UTC), narrowed)


class ExternalIdentification(Protocol):
    """Of tokens of an issuer that is not us."""

    @property
    def issuer(self) -> str:
        """Whose."""
        ...

    async def identify(self, token: UnverifiedToken) -> Identity:
        """Whose token it is. Raises InvalidCredentialError, StoreUnavailableError."""
        ...


class AccessTokenIdentification:
    """Of our own tokens; `external` gets those that name another issuer."""

    def __init__(
        self,
        issuer: str,
        keys: SigningKeys,
        tokens: Tokens,
        accounts: AccountReader,
        external: ExternalIdentification | None = None,
    ) -> None:
        self._rules = TokenRules(issuer, AUDIENCE, frozenset({ALGORITHM}), LONGEST_TOKEN.total_seconds())
        self._keys = keys
        self._tokens = tokens
        self._accounts = accounts
        self._external = external

    async def identify(self, credential: str) -> Identity:
        """Whose token it is. Raises InvalidCredentialError, StoreUnavailableError."""
        token = parse(credential)
        if self._external is not None and token.claims.get("iss") == self._external.issuer:
            return await self._external.identify(token)
        key = await self._key(token.key_id)
        check_signature(token, key)
        claims = check_claims(token, self._rules, time())
        tenant, family = claims.all.get("tenant"), claims.all.get("sid")
        try:
            _TENANT.validate_python(tenant, strict=True)
        except ValidationError:
            raise InvalidCredentialError("a token without tenant") from None
        if claims.token_id is None or not isinstance(tenant, str) or not isinstance(family, str | None):
            raise InvalidCredentialError("a token without id")
        account = await self._accounts.find(tenant, claims.subject)
        if account is None or not account.active:
            raise InvalidCredentialError("a disabled account", claims.subject, tenant)
        ids = [claims.token_id] if family is None else [claims.token_id, family]
        if await self._tokens.is_revoked(tenant, account.id, ids, claims.issued_at):
            raise InvalidCredentialError("a revoked token", account.id, tenant)
        principal = Principal(
            account.id, account.kind, tenant, account.roles, claims.scopes, f"token:{claims.token_id}"
        )
        return Identity(principal, datetime.fromtimestamp(claims.expires_at, UTC))

    async def _key(self, key_id: str) -> VerificationKey:
        stored = await self._keys.find(key_id) if _KEY_ID.fullmatch(key_id) else None
        if stored is None or not stored.verifies(datetime.now(UTC)):
            raise InvalidCredentialError("a token of an unknown key")
        key = VerificationKey.of(stored.public_key)
        assert key is not None
        return key
