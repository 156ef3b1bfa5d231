"""Checkpoints made by schedule, or when somebody asks: in the database, and as files outside of it."""

import asyncio
import logging
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import AnnalsError
from eventstore.checkpoints import Checkpoints
from eventstore.reader import EventReader
from security.audit import AuditLog
from security.checkpoints import (
    Checkpoint,
    CheckpointError,
    CheckpointKey,
    new_checkpoint_key,
    read,
    sealing_context,
    sign,
    written,
)
from security.encryption import EncryptedData, Encryption
from security.merkle import MerkleTree
from services.caller import Caller
from services.deadline import Deadline
from services.errors import NotFoundError
from services.security.auditing import audited

log = logging.getLogger(__name__)

CHECKPOINT_LIMIT_S = 3600.0
"""What an edge grants: the first one reads the hashes of all events."""
FIRST_S = 60.0
"""After the start; a process that is started again and again signs all the same."""
SUFFIX = ".json"
READABLE = 0o644
"""By whoever copies the files to another place."""


class CheckpointService:
    """`folder` is where the files are: outside of the database, and better on another machine's disk."""

    def __init__(
        self, checkpoints: Checkpoints, reader: EventReader, encryption: Encryption, audit: AuditLog, folder: Path
    ) -> None:
        self._checkpoints, self._reader = checkpoints, reader
        self._encryption, self._audit, self._folder = encryption, audit, folder
        self._opened: tuple[str, Ed25519PrivateKey] | None = None

    async def make(self, caller: Caller, *, deadline: Deadline) -> Checkpoint:
        """Sign the log as it is now. Raises AccessDeniedError, NotFoundError where it is empty, EncryptionError,
        CheckpointError where the file cannot be written, StoreUnavailableError, DeadlineExceededError."""
        async with audited(self._audit, caller, "administration", "make", "checkpoints"):
            caller.require("system", "administer")
            async with deadline.enforce("making a checkpoint"):
                made = await self._make()
        if made is None:
            raise NotFoundError("the log is empty, so there is nothing to sign; take a document in first")
        return made

    async def keep_made(self, every_s: float) -> None:
        """One in so many seconds, until cancelled, whenever there are new events; what goes wrong is tried again."""
        await asyncio.sleep(min(FIRST_S, every_s))
        while True:
            try:
                if (made := await self._make()) is not None:
                    log.info("checkpoint at position %d", made.position)
            except AnnalsError as error:
                log.warning("a checkpoint of the log is made later: %s", error)
            await asyncio.sleep(every_s * random.uniform(0.9, 1.0))

    async def _make(self) -> Checkpoint | None:
        """The newest one where nothing happened since. None where nothing ever did."""
        newest = await self._checkpoints.newest()
        position, tree = (newest[0].position, newest[1]) if newest else (0, MerkleTree())
        size = tree.size
        async for page in self._checkpoints.hashes(position):
            for _, found in page:
                tree.add(found)
            position = page[-1][0]
        if tree.size == size:
            if newest is not None:
                await asyncio.to_thread(self._write, newest[0])
            return None if newest is None else newest[0]
        key_id, key = await self._key()
        identity, now = await self._reader.identity(), datetime.now(UTC)
        made = sign(key_id, key, log=identity, position=position, size=tree.size, root=tree.root, at=now)
        await asyncio.to_thread(self._write, made)
        await self._checkpoints.add(made, tree)
        return made

    async def _key(self) -> tuple[str, Ed25519PrivateKey]:
        if self._opened is None:
            found = await self._checkpoints.key()
            if found is None:
                self._opened = await self._new_key()
            else:
                sealed = EncryptedData.unpack(found.sealed_private_key)
                opened = await self._encryption.decrypt_sensitive_data(sealed, sealing_context(found.id))
                self._opened = found.id, Ed25519PrivateKey.from_private_bytes(opened)
        return self._opened

    async def _new_key(self) -> tuple[str, Ed25519PrivateKey]:
        key_id, key = new_checkpoint_key()
        sealed = await self._encryption.encrypt_sensitive_data(key.private_bytes_raw(), sealing_context(key_id))
        await self._checkpoints.add_key(CheckpointKey(key_id, key.public_key().public_bytes_raw(), sealed.pack()))
        return key_id, key

    def _write(self, checkpoint: Checkpoint) -> None:
        """Whole or not at all; one that is there already stays as it is."""
        file = self._folder / f"{checkpoint.position:012d}{SUFFIX}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if file.exists():
                return
            # Of two processes with one folder, each writes a file of its own.
            with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as output:
                output.write(written(checkpoint))
                output.flush()
                os.fchmod(output.fileno(), READABLE)
                os.fsync(output.fileno())
            Path(output.name).rename(file)
        except OSError as error:
            raise CheckpointError(f"{file} cannot be written: {error.strerror or error}") from error


def read_checkpoints(folder: Path) -> Sequence[Checkpoint]:
    """Those of a folder; none where there is no such folder. Raises CheckpointError that names the file."""
    found = []
    for file in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            found.append(read(file.read_bytes()))
        except CheckpointError as error:
            raise CheckpointError(f"{file} {error}") from None
        except OSError as error:
            raise CheckpointError(f"{file} cannot be read: {error.strerror or error}") from error
    return found
