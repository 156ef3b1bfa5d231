"""Sealing and opening data with keys from the key management; each use goes into the audit log."""

from datetime import UTC, datetime

from contracts.errors import AnnalsError
from eventstore.key_management import KeyManagementService
from security.audit import AuditEntry, AuditLog, Outcome
from security.encryption import EncryptedData, EncryptionContext, seal, unseal


class EncryptionService:
    """`security.encryption.Encryption`."""

    def __init__(self, keys: KeyManagementService, audit: AuditLog) -> None:
        self._keys, self._audit = keys, audit

    async def encrypt_sensitive_data(self, data: bytes, context: EncryptionContext) -> EncryptedData:
        """See Encryption."""
        key_id = ""
        try:
            key_id, key = await self._keys.encryption_key(context.tenant, context.subject)
            encrypted = seal(key, data, context, key_id, datetime.now(UTC))
        except AnnalsError as error:
            await self._record("encrypt", context, key_id, "failed", str(error))
            raise
        await self._record("encrypt", context, key_id)
        return encrypted

    async def decrypt_sensitive_data(self, encrypted: EncryptedData, context: EncryptionContext) -> bytes:
        """See Encryption."""
        try:
            key = await self._keys.decryption_key(encrypted.key_id, context.tenant, context.subject)
            data = unseal(key, encrypted, context)
        except AnnalsError as error:
            await self._record("decrypt", context, encrypted.key_id, "failed", str(error))
            raise
        await self._record("decrypt", context, encrypted.key_id)
        return data

    async def _record(
        self, action: str, context: EncryptionContext, key_id: str, outcome: Outcome = "success", reason: str = ""
    ) -> None:
        what = f"{context.purpose} {context.object_id}".rstrip()
        await self._audit.record(
            AuditEntry(context.tenant, context.actor, "key_use", action, "keys", key_id, outcome, reason or what)
        )
