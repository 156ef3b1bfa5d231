"""Signing access tokens, and the keys for it: made in time, rotated, revoked, published."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from eventstore.signing_keys import SigningKeys
from security.access_tokens import SKEW_S, TYPE
from security.audit import AuditLog
from security.encryption import EncryptedData, Encryption
from security.signing_keys import (
    ALGORITHM,
    PUBLISHED_BEFORE,
    SIGNS_FOR,
    SigningKey,
    new_key_pair,
    sealing_context,
)
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.security.auditing import audited

LONGEST_TOKEN = timedelta(hours=1)
"""No access token lives for longer."""
_KEPT = LONGEST_TOKEN + timedelta(seconds=2 * SKEW_S)


class TokenSigner:
    """All processes share the keys. Of those that sign the private keys stay in memory, once unsealed.

    Every method raises StoreUnavailableError.
    """

    def __init__(self, keys: SigningKeys, encryption: Encryption, audit: AuditLog) -> None:
        self._keys = keys
        self._encryption = encryption
        self._audit = audit
        self._unsealed: dict[str, ECKey] = {}
        self._one_at_a_time = asyncio.Lock()

    async def sign(self, claims: Mapping[str, Any]) -> str:
        """An access token with these claims. Raises EncryptionError."""
        async with self._one_at_a_time:
            key, private = await self._current()
        header = {"alg": ALGORITHM, "kid": key.id, "typ": TYPE}
        return jwt.encode(header, dict(claims), private, algorithms=[ALGORITHM])

    async def jwks(self) -> dict[str, list[Mapping[str, Any]]]:
        """The public keys of all signers (RFC 7517, section 5), those that sign soon among them. Open to everybody."""
        now = datetime.now(UTC)
        return {"keys": [key.public_key for key in await self._keys.all() if key.verifies(now)]}

    async def list(self, caller: Caller, *, deadline: Deadline) -> Sequence[SigningKey]:
        """Every key that is not forgotten. Raises AccessDeniedError, DeadlineExceededError."""
        caller.require("system", "read")
        async with deadline.enforce("listing signing keys"):
            return await self._keys.all()

    async def rotate(self, caller: Caller, *, at_once: bool, deadline: Deadline) -> SigningKey:
        """A new key, which signs when everybody has had time to fetch it, or `at_once`.

        What the old one signed counts until it expires. Raises AccessDeniedError, DeadlineExceededError,
        EncryptionError.
        """
        async with audited(self._audit, caller, "administration", "rotate signing key", "system"):
            caller.require("system", "administer")
            async with deadline.enforce("rotating the signing key"), self._one_at_a_time:
                now = datetime.now(UTC)
                signs_from = now if at_once else now + PUBLISHED_BEFORE
                await self._keys.end_signing(signs_from, signs_from + _KEPT)
                return await self._new(now, signs_from)

    async def revoke(self, caller: Caller, key_id: str, *, deadline: Deadline) -> None:
        """Refuse all that a key signed, from the next request on; it is replaced when it is needed.

        Raises AccessDeniedError, NotFoundError, DeadlineExceededError.
        """
        async with (
            audited(self._audit, caller, "administration", "revoke signing key", "system", key_id),
            deadline.enforce("revoking a signing key"),
        ):
            caller.require("system", "administer")
            if await self._keys.find(key_id) is None:
                raise NotFoundError(f"there is no signing key {key_id[:64]!r}; see: annals tokens signing-keys")
            await self._keys.revoke(key_id)
            self._unsealed.pop(key_id, None)

    async def _current(self) -> tuple[SigningKey, ECKey]:
        now = datetime.now(UTC)
        keys = [key for key in await self._keys.all() if key.revoked_at is None]
        key = next((key for key in keys if key.signs(now)), None)
        if key is None:
            key = await self._new(now, now)
        elif key.signs_until - now < PUBLISHED_BEFORE and not any(one.signs_from > now for one in keys):
            await self._new(now, key.signs_until)
        if key.id not in self._unsealed:
            sealed = EncryptedData.unpack(key.sealed_private_key)
            pem = await self._encryption.decrypt_sensitive_data(sealed, sealing_context(key.id))
            self._unsealed = {key.id: ECKey.import_key(pem)}
        return key, self._unsealed[key.id]

    async def _new(self, now: datetime, signs_from: datetime) -> SigningKey:
        pair = new_key_pair()
        key_id, until = str(pair.kid), signs_from + SIGNS_FOR
        sealed = await self._encryption.encrypt_sensitive_data(pair.as_pem(private=True), sealing_context(key_id))
        public = pair.as_dict(private=False)
        key = SigningKey(key_id, public, sealed.pack(), now, signs_from, until, until + _KEPT)
        await self._keys.add(key)
        return key
