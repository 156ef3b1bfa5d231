"""What messages to a webhook are signed with: one secret, and after a rotation the former one beside it for a while."""

import base64
import os
from collections.abc import Sequence

from eventstore.webhooks import Webhooks
from security.encryption import EncryptedData, Encryption, EncryptionContext
from services.errors import NotFoundError

SECRET_BYTES = 32


class WebhookSecrets:
    """Sealed in the database. Raises EncryptionError, StoreUnavailableError."""

    def __init__(self, webhooks: Webhooks, encryption: Encryption) -> None:
        self._webhooks = webhooks
        self._encryption = encryption
        self._opened: dict[str, tuple[tuple[bytes, ...], tuple[str, ...]]] = {}

    async def make(self, tenant: str, webhook_id: str) -> str:
        """The first one of a webhook."""
        secret, sealed = await self._new(tenant, webhook_id)
        await self._webhooks.keep_secret(tenant, webhook_id, sealed)
        return secret

    async def rotate(self, tenant: str, webhook_id: str, overlap_s: float) -> str:
        """The next one; the one before signs beside it for so long."""
        secret, sealed = await self._new(tenant, webhook_id)
        await self._webhooks.replace_secret(tenant, webhook_id, sealed, overlap_s)
        return secret

    async def get(self, tenant: str, webhook_id: str) -> Sequence[str]:
        """Those that sign now, the newest first. Raises NotFoundError."""
        sealed = tuple(await self._webhooks.secrets(tenant, webhook_id))
        if not sealed:
            raise NotFoundError(f"the webhook {webhook_id} has no secret; remove it and add it again")
        known, secrets = self._opened.get(webhook_id, ((), ()))
        if known != sealed:
            context = _context(tenant, webhook_id)
            secrets = tuple(
                [
                    (await self._encryption.decrypt_sensitive_data(EncryptedData.unpack(one), context)).decode()
                    for one in sealed
                ]
            )
            self._opened[webhook_id] = sealed, secrets
        return secrets

    async def _new(self, tenant: str, webhook_id: str) -> tuple[str, bytes]:
        """As the Standard Webhooks specification writes it, and sealed."""
        secret = "whsec_" + base64.b64encode(os.urandom(SECRET_BYTES)).decode()
        sealed = await self._encryption.encrypt_sensitive_data(secret.encode(), _context(tenant, webhook_id))
        return secret, sealed.pack()


def _context(tenant: str, webhook_id: str) -> EncryptionContext:
    return EncryptionContext(tenant, f"webhook/{webhook_id}", "sign webhooks", webhook_id)
