"""Data keys, made when a subject is first sealed for, kept wrapped, opened when they are needed (specification 4.1)."""

import asyncio
import json
import random
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from eventstore.data_keys import NO_TENANT, DataKey, DataKeys, insert, is_empty, rewrap, wrapped_keys
from eventstore.errors import StoreUnavailableError
from eventstore.pool import PostgresPool, acquire, take_turn, transaction, try_share_turn
from security.encryption import MAX_USES, new_key
from security.errors import EncryptionError, KeyDestroyedError, MasterKeyError, UnknownKeyError
from security.master_key import MasterKey

RESERVED_USES = 1000
"""Encryptions that a process reserves at once, so that not each one is a write to the table."""
KEPT_S = 60.0
"""For so long an opened key is kept in memory; a key that was retired or destroyed meanwhile is used no longer."""
MAX_KEPT = 1000
TRIES = 10
_SPELLED = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
PAGE_KEYS = 200
TURN = "master key"
TURN_LIMIT_S = 20.0
"""For so long a new data key waits while the master key is changed."""


@dataclass(slots=True)
class _Opened:
    """A data key in the clear, in this process's memory alone."""

    key_id: str
    tenant: str
    subject: str
    key: bytes = field(repr=False)
    until: float
    uses_left: int = 0


class KeyManagementService:
    """Raises StoreUnavailableError, and MasterKeyError where the master key is missing or another one."""

    def __init__(self, pool: PostgresPool, master: MasterKey, rotation: timedelta, max_uses: int = MAX_USES) -> None:
        """A key older than `rotation`, or used `max_uses` times, encrypts no more: the subject gets a new one."""
        self._pool, self._keys = pool, DataKeys(pool)
        self._master, self._rotation, self._max_uses = master, rotation, max_uses
        self._kept = OrderedDict[str, _Opened]()
        self._present = OrderedDict[tuple[str, str], str]()

    @property
    def source(self) -> str:
        """Where the master key is, for people."""
        return self._master.source

    async def encryption_key(self, tenant: str, subject: str) -> tuple[str, bytes]:
        """Id and key for one encryption more: each call counts as a use."""
        kept = self._find(self._present.get((tenant, subject), ""))
        if kept is not None and kept.uses_left > 0:
            kept.uses_left -= 1
            return kept.key_id, kept.key
        reserved = min(RESERVED_USES, self._max_uses)
        for _ in range(TRIES):
            found = await self._keys.present(tenant, subject)
            if found is None:
                await self._create(tenant, subject)
            elif await self._keys.reserve(found.key_id, reserved, self._max_uses, self._rotation):
                opened = await self._open(found)
                opened.uses_left = reserved - 1
                self._keep(opened)
                self._present[tenant, subject] = opened.key_id
                return opened.key_id, opened.key
            else:
                await self._keys.retire(tenant, subject, found.key_id)
        raise EncryptionError("the data key kept changing under every try; try again")

    async def decryption_key(self, key_id: str, tenant: str, subject: str) -> bytes:
        """A key of this subject. Raises UnknownKeyError, KeyDestroyedError."""
        kept = self._find(key_id)
        if kept is None:
            found = await self._keys.get(key_id)
            if found is None or (found.tenant, found.subject) != (tenant, subject):
                # Another tenant's key is no key: nobody learns that there is one.
                raise UnknownKeyError()
            kept = await self._open(found)
            self._keep(kept)
        elif (kept.tenant, kept.subject) != (tenant, subject):
            raise UnknownKeyError()
        return kept.key

    async def check(self) -> int:
        """Open one of the data keys with the master key; returns how many there are. Raises MasterKeyError."""
        first = None
        async with acquire(self._pool) as connection:
            count = await connection.fetchval(
                "SELECT count(*) FROM annals.data_keys WHERE wrapped IS NOT NULL AND tenant <> $1", NO_TENANT
            )
            async for key in wrapped_keys(connection, 2):
                # The log's secret encrypts nothing.
                if key.tenant != NO_TENANT:
                    first = key
                    break
        if first is not None:
            await self._open(first)
        return int(count)

    async def rotate(self, tenant: str, subject: str | None) -> int:
        """New keys for a subject, or for all of a tenant, from their next encryption on; returns how many retired.

        Processes that have a key open go on with it for KEPT_S. The old ones go on decrypting.
        """
        retired = await self._keys.retire(tenant, subject)
        for key in retired:
            self._forget(key.key_id)
        return len(retired)

    async def destroy(self, tenant: str, subject: str) -> list[str]:
        """Destroy all keys of a subject, and with them all that they sealed; other processes forget them in KEPT_S."""
        destroyed = await self._keys.destroy(tenant, subject)
        for key_id in destroyed:
            self._forget(key_id)
        return destroyed

    async def rewrap(self, *, rotate_master: bool) -> int:
        """Wrap all data keys with the present master key, a new one for `rotate_master`; returns how many.

        The data keys stay as they are. Nobody makes a data key meanwhile.
        """
        count = 0
        async with transaction(self._pool) as connection:
            await take_turn(connection, TURN)
            if await is_empty(connection):
                await self._master.begin()
            # Keys that others wrapped before this, and have not stored yet, are not stored any more.
            await connection.execute("UPDATE annals.master_key_changes SET number = number + 1")
            if rotate_master:
                await self._master.rotate()
            async for key in wrapped_keys(connection, PAGE_KEYS):
                assert key.wrapped is not None
                if await self._master.is_present(key.wrapped):
                    continue
                associated = associated_data(key.key_id, key.tenant, key.subject)
                opened = await self._master.unwrap(key.wrapped, associated)
                await rewrap(connection, key, await self._master.wrap(opened, associated))
                count += 1
        # Only now what was wrapped anew is there to stay.
        async with transaction(self._pool) as connection:
            await take_turn(connection, TURN)
            async for key in wrapped_keys(connection, PAGE_KEYS):
                if key.wrapped is not None and not await self._master.is_present(key.wrapped):
                    return count
            await self._master.forget_older()
        return count

    async def _create(self, tenant: str, subject: str) -> None:
        """Nobody waits with a connection in his hand for a master key that is being changed."""
        key_id = new_key_id()
        end = monotonic() + TURN_LIMIT_S
        while True:
            async with transaction(self._pool) as connection:
                if await try_share_turn(connection, TURN):
                    if await is_empty(connection):
                        await self._master.begin()
                    wrapped = await self._master.wrap(new_key(), associated_data(key_id, tenant, subject))
                    await insert(connection, key_id, tenant, subject, wrapped)
                    return
            if monotonic() > end:
                raise StoreUnavailableError("the master key is being changed; try again once that is done")
            await asyncio.sleep(random.uniform(0.02, 0.2))

    async def _open(self, key: DataKey) -> _Opened:
        """Read again where it was wrapped anew since it was read, and the master key that wrapped it before is gone."""
        for _ in range(TRIES):
            if key.wrapped is None:
                raise KeyDestroyedError()
            try:
                opened = await self._master.unwrap(key.wrapped, associated_data(key.key_id, key.tenant, key.subject))
                return _Opened(key.key_id, key.tenant, key.subject, opened, monotonic() + KEPT_S)
            except MasterKeyError:
                again = await self._keys.get(key.key_id)
                if again is None or again.wrapped == key.wrapped:
                    raise
                key = again
        raise EncryptionError("the master key kept changing under every try; try again")

    def _find(self, key_id: str) -> _Opened | None:
        kept = self._kept.get(key_id)
        if kept is not None and kept.until <= monotonic():
            self._forget(key_id)
            return None
        return kept

    def _keep(self, opened: _Opened) -> None:
        self._kept[opened.key_id] = opened
        self._kept.move_to_end(opened.key_id)
        while len(self._kept) > MAX_KEPT:
            self._forget(next(iter(self._kept)))

    def _forget(self, key_id: str) -> None:
        kept = self._kept.pop(key_id, None)
        if kept is not None and self._present.get((kept.tenant, kept.subject)) == key_id:
            del self._present[kept.tenant, kept.subject]


def new_key_id() -> str:
    """Random."""
    return f"k{secrets.token_hex(15)}"


def associated_data(key_id: str, tenant: str, subject: str) -> bytes:
    """A wrapped key cannot stand in another row."""
    return _SPELLED.encode([key_id, tenant, subject]).encode()
