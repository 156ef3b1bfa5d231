"""Which master key the settings choose, and what it opens."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from annals.settings import Settings
from eventstore.log_secret import open_ids
from eventstore.pool import PostgresPool
from eventstore.stream_keys import MasterStreamKeys, StreamKeys
from security.master_key import FileMasterKey, MasterKey, VariableMasterKey

FILE_NAME = "master.key"


@contextlib.asynccontextmanager
async def open_master_key(settings: Settings) -> AsyncIterator[MasterKey]:
    """A key management system's, the setting's own, or a file's: in this order. Raises MasterKeyError."""
    if settings.kms_url is not None:
        # An HTTP client that the others need not load.
        from inference.external.client import ExternalSystemClient
        from inference.external.settings import ClientSettings
        from services.security.transit_master_key import TransitMasterKey

        client = ClientSettings(
            system="kms",
            base_url=settings.kms_url.rstrip("/") + "/",
            cache_folder=settings.data / "run" / "kms",
            token_name="ANNALS_KMS_TOKEN",
            answer_s=20.0,
            rate=200.0,
        )
        token = None if settings.kms_token is None else settings.kms_token.get_secret_value()
        async with ExternalSystemClient(client, token) as opened:
            yield TransitMasterKey(opened, settings.kms_key)
    elif settings.master_key is not None:
        yield VariableMasterKey(settings.master_key.get_secret_value())
    else:
        yield FileMasterKey(settings.master_key_file or settings.data / FILE_NAME)


async def stream_keys(settings: Settings, pool: PostgresPool, master: MasterKey) -> StreamKeys:
    """What seals and opens events, and names their streams. Of a log without a secret the master key is read when it
    is first needed. Raises LogSecretError, MasterKeyError, StoreUnavailableError."""
    ids = await open_ids(pool, master)
    return MasterStreamKeys(pool, master, timedelta(days=settings.key_rotation_days), ids)
