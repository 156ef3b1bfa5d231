"""The data keys of aggregates: made with their first event, opened many at a time, kept in memory for a while.

A new key is stored in the transaction that appends what it sealed (`annals.append_events`). That refuses what a key
sealed that was destroyed meanwhile, or a key that was wrapped before the master key was changed; then it is done again.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID

from eventstore.data_keys import is_empty
from eventstore.errors import StoreUnavailableError
from eventstore.key_management import KEPT_S, TURN, associated_data, new_key_id
from eventstore.log_ids import PUBLIC_IDS, LogIds
from eventstore.log_secret import fingerprint
from eventstore.pool import PostgresPool, acquire, transaction, try_share_turn
from eventstore.sealed_events import StreamKey, subject_of
from security.encryption import new_key
from security.errors import UnknownKeyError
from security.master_key import MasterKey, WrappedKey

KEYS_CHANGED = "AN001"
"""What `annals.append_events` raises (0042)."""
MAX_KEPT = 20_000
"""Opened keys in memory: some 5 MiB."""


@dataclass(frozen=True, slots=True)
class AppendingKeys:
    """By stream. `changes`: how often the master key had been changed when the new ones were wrapped."""

    keys: Mapping[UUID, StreamKey]
    changes: int
    ids: LogIds


class StreamKeys(Protocol):
    """What opens and seals events. Raises StoreUnavailableError, MasterKeyError."""

    @property
    def ids(self) -> LogIds:
        """By what streams are called in this log."""
        ...

    async def for_reading(
        self, wanted: Mapping[str, tuple[str, UUID]], *, remembered: bool = False
    ) -> dict[str, bytes | None]:
        """By key id, None for one that was destroyed; `wanted` says of which tenant and stream each is.

        `remembered`: also one that may have been destroyed since this process read it: for who decides, since what is
        appended then is refused. Raises UnknownKeyError.
        """
        ...

    async def for_appending(self, streams: Mapping[UUID, str], begun: Collection[UUID]) -> AppendingKeys:
        """The present key of each stream, a new one where it has none; `streams` says of which tenant each is.

        `begun` are those that have events already.
        """
        ...

    def stored(self, keys: AppendingKeys, streams: Mapping[UUID, str]) -> None:
        """What these sealed is in the log, and so are the new ones among them."""
        ...

    def forget(self) -> None:
        """Read what is known of keys anew."""
        ...


def ids_of(keys: StreamKeys | None) -> LogIds:
    """What is stored in the clear follows the public rules."""
    return PUBLIC_IDS if keys is None else keys.ids


@dataclass(frozen=True, slots=True)
class _Opened:
    tenant: str
    stream: UUID
    secret: bytes = field(repr=False)
    until: float


class MasterStreamKeys:
    """`StreamKeys` with a master key, which is asked for when the first key is needed."""

    def __init__(self, pool: PostgresPool, master: MasterKey, rotation: timedelta, ids: LogIds) -> None:
        """A key that is older than `rotation` seals no more: what is appended gets a new one."""
        self._pool, self._master, self._rotation, self._ids = pool, master, rotation, ids
        self._kept = OrderedDict[str, _Opened]()
        self._present = OrderedDict[UUID, tuple[str, float]]()
        self._changes: int | None = None

    @property
    def ids(self) -> LogIds:
        """See StreamKeys."""
        return self._ids

    async def for_reading(
        self, wanted: Mapping[str, tuple[str, UUID]], *, remembered: bool = False
    ) -> dict[str, bytes | None]:
        """See StreamKeys."""
        found: dict[str, bytes | None] = {}
        if remembered:
            found.update((key_id, one) for key_id, of in wanted.items() if (one := self._kept_secret(key_id, of)))
        missing = [key_id for key_id in wanted if key_id not in found]
        return found | await self._read(missing, wanted) if missing else found

    def _kept_secret(self, key_id: str, of: tuple[str, UUID]) -> bytes | None:
        kept = self._kept.get(key_id)
        if kept is None or kept.until <= monotonic():
            return None
        if (kept.tenant, kept.stream) != of:
            raise UnknownKeyError()
        return kept.secret

    async def for_appending(self, streams: Mapping[UUID, str], begun: Collection[UUID]) -> AppendingKeys:
        """See StreamKeys."""
        now = monotonic()
        keys: dict[UUID, StreamKey] = {}
        for stream in streams:
            key_id, until = self._present.get(stream, ("", 0.0))
            kept = self._kept.get(key_id)
            if until > now and kept is not None and kept.until > now:
                keys[stream] = StreamKey(key_id, kept.secret)
        asked = [stream for stream in streams if stream in begun and stream not in keys]
        if asked:
            keys.update(await self._read_present(asked, streams))
        new = [stream for stream in streams if stream not in keys]
        changes = await self._begun() if new else 0
        keys.update(await self._made(new, streams))
        return AppendingKeys(keys, changes, self._ids)

    def stored(self, keys: AppendingKeys, streams: Mapping[UUID, str]) -> None:
        """See StreamKeys."""
        for stream, key in keys.keys.items():
            if key.wrapped is not None:
                self._keep(key.key_id, streams[stream], stream, key.secret)
                self._hold(stream, key.key_id)

    def forget(self) -> None:
        """See StreamKeys."""
        self._kept.clear()
        self._present.clear()
        self._changes = None

    async def _read(self, missing: list[str], wanted: Mapping[str, tuple[str, UUID]]) -> dict[str, bytes | None]:
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT key_id, tenant, subject, master, wrapped FROM annals.data_keys WHERE key_id = ANY($1)", missing
            )
        found: dict[str, bytes | None] = {}
        there = []
        for row in rows:
            tenant, stream = wanted[row["key_id"]]
            if (row["tenant"], row["subject"]) != (tenant, subject_of(stream)):
                # Another aggregate's key is no key.
                raise UnknownKeyError()
            found[row["key_id"]] = None
            if row["wrapped"] is None:
                self._kept.pop(row["key_id"], None)
            elif (secret := self._kept_secret(row["key_id"], (tenant, stream))) is not None:
                found[row["key_id"]] = secret
            else:
                there.append(row)
        if len(found) < len(missing):
            raise UnknownKeyError()
        secrets = await self._master.unwrap_many(
            [
                (
                    WrappedKey(row["master"], row["wrapped"]),
                    associated_data(row["key_id"], row["tenant"], row["subject"]),
                )
                for row in there
            ]
        )
        for row, secret in zip(there, secrets, strict=True):
            found[row["key_id"]] = secret
            self._keep(row["key_id"], *wanted[row["key_id"]], secret)
        return found

    async def _read_present(self, asked: list[UUID], streams: Mapping[UUID, str]) -> dict[UUID, StreamKey]:
        by_subject = {subject_of(stream): stream for stream in asked}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT k.key_id, k.subject FROM annals.data_keys AS k JOIN unnest($1::text[], $2::text[]) "
                "AS s (tenant, subject) USING (tenant, subject) "
                "WHERE retired_at IS NULL AND created_at > clock_timestamp() - $3::interval",
                [streams[stream] for stream in asked],
                list(by_subject),
                self._rotation,
            )
        present = {row["key_id"]: by_subject[row["subject"]] for row in rows}
        wanted = {key_id: (streams[stream], stream) for key_id, stream in present.items()}
        found = await self.for_reading(wanted, remembered=True)
        keys = {}
        for key_id, secret in found.items():
            if secret is not None:
                stream = present[key_id]
                self._hold(stream, key_id)
                keys[stream] = StreamKey(key_id, secret)
        return keys

    async def _made(self, streams: list[UUID], tenants: Mapping[UUID, str]) -> dict[UUID, StreamKey]:
        if not streams:
            return {}
        made = [(new_key_id(), new_key()) for _ in streams]
        wrapped = await self._master.wrap_many(
            [
                (secret, associated_data(key_id, tenants[stream], subject_of(stream)))
                for stream, (key_id, secret) in zip(streams, made, strict=True)
            ]
        )
        return {
            stream: StreamKey(key_id, secret, one)
            for stream, (key_id, secret), one in zip(streams, made, wrapped, strict=True)
        }

    async def _begun(self) -> int:
        """How often the master key was changed; it is there from here on."""
        if self._changes is None:
            async with transaction(self._pool) as connection:
                if not await try_share_turn(connection, TURN):
                    raise StoreUnavailableError("the master key is being changed; try again once that is done")
                if await fingerprint(connection) != self._ids.fingerprint:
                    raise StoreUnavailableError("another log was imported into this database; start this process anew")
                if await is_empty(connection):
                    await self._master.begin()
                self._changes = int(await connection.fetchval("SELECT number FROM annals.master_key_changes"))
        return self._changes

    def _hold(self, stream: UUID, key_id: str) -> None:
        self._present[stream] = key_id, monotonic() + KEPT_S
        self._present.move_to_end(stream)
        while len(self._present) > MAX_KEPT:
            self._present.popitem(last=False)

    def _keep(self, key_id: str, tenant: str, stream: UUID, secret: bytes) -> None:
        self._kept[key_id] = _Opened(tenant, stream, secret, monotonic() + KEPT_S)
        self._kept.move_to_end(key_id)
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
