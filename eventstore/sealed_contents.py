"""What is kept beside the events of a document, its texts and originals, sealed with a data key of that document.

The key is not that of the events, which is made with the first of them: contents are stored before. Both are destroyed
together. A sealed row has the id of its key; one of before, in the clear, has none, and is sealed when it is stored
again, or by `seal_some`.

What gets shorter by it is compressed (zstd) before it is sealed; PostgreSQL cannot compress it afterwards. Its row
begins with `COMPRESSED` and its length in the clear, four bytes, big end first; any other sealed row with a random iv.
"""

import asyncio
import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
import cramjam
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eventstore.errors import ConflictError
from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, acquire
from eventstore.sealed_events import LEAST_COMPRESSED, subject_of
from eventstore.stream_keys import KEYS_CHANGED, AppendingKeys, StreamKeys, ids_of
from security.encryption import IV_BYTES
from security.errors import DecryptionError, UnknownKeyError

TRIES = 5
COMPRESSED = b"annals\x00\x02"
_LENGTH_BYTES = 4
_HEAD_BYTES = len(COMPRESSED) + _LENGTH_BYTES
LEVEL = 3
"""Of zstd: what more would take of a processor is out of proportion to what it saves."""
ASIDE_BYTES = 256 * 1024
"""More is compressed and sealed, or opened, in a thread: nothing else would go on meanwhile."""

Made = TypeVar("Made")
ContentTable = Literal["texts", "originals"]
ContentKey = tuple[str, str, bytes]
"""Tenant, document id, digest."""


class Content(NamedTuple):
    """`digest`: sha256 of `content`."""

    tenant: str
    document_id: str
    digest: bytes
    content: bytes


def length_of(column: str) -> str:
    """SQL of how many bytes a content has in the clear, about; of what is compressed the first bytes are read."""
    return (
        f"CASE WHEN key_id IS NOT NULL AND substring({column} FROM 1 FOR {len(COMPRESSED)}) = '\\x{COMPRESSED.hex()}' "
        f"THEN ('x' || encode(substring({column} FROM {len(COMPRESSED) + 1} FOR {_LENGTH_BYTES}), 'hex'))"
        f"::bit(32)::bigint ELSE octet_length({column}) END"
    )


class SealedContents:
    """One table of contents. `keys` seal what is stored; without them it is stored in the clear.

    Raises StoreUnavailableError, MasterKeyError; what reads UnknownKeyError and DecryptionError, too.
    """

    def __init__(self, pool: PostgresPool, table: ContentTable, keys: StreamKeys | None) -> None:
        self._pool, self._table, self._keys, self._ids = pool, table, keys, ids_of(keys)

    async def put_many(self, contents: Sequence[Content]) -> None:
        """What is there already is left alone; where it is in the clear it is sealed."""
        if not contents:
            return
        if self._keys is None:
            await self._put(contents, [(one.digest, one.content, None) for one in contents], None)
            return
        streams = {self._ids.contents(one.tenant, one.document_id): one.tenant for one in contents}
        for _ in range(TRIES):
            keys = await self._keys.for_appending(streams, list(streams))
            try:
                sealed = await _made(partial(_sealed, contents, keys), [one.content for one in contents])
                await self._put(contents, sealed, _said(keys, streams))
            except asyncpg.PostgresError as error:
                if error.sqlstate != KEYS_CHANGED:
                    raise
                self._keys.forget()
            else:
                self._keys.stored(keys, streams)
                return
        raise ConflictError("the keys of these documents kept changing under every try; try again")

    async def get_many(self, keys: Sequence[ContentKey]) -> list[Content]:
        """Those that are there."""
        return await self.opened(await self._of(keys, "t.content, t.key_id"))

    async def sizes(self, keys: Sequence[ContentKey]) -> dict[ContentKey, int]:
        """About how many bytes each of those has that are there."""
        return {
            (row["tenant"], row["document_id"], bytes(row["digest"])): row["bytes"]
            for row in await self._of(keys, f"{length_of('t.content')} AS bytes")
        }

    async def _of(self, keys: Sequence[ContentKey], columns: str) -> list[asyncpg.Record]:
        """Columns of the rows of `t` that are there, with tenant, document and digest as they are asked for."""
        async with acquire(self._pool) as connection:
            return await connection.fetch(
                f"SELECT t.tenant, t.document_id, k.digest, {columns} FROM annals.{self._table} AS t "
                "JOIN unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[]) "
                "AS k(tenant, document_id, digest, hidden) "
                "ON t.tenant = k.tenant AND t.document_id = k.document_id AND t.digest IN (k.digest, k.hidden)",
                [tenant for tenant, _, _ in keys],
                [document_id for _, document_id, _ in keys],
                [digest for _, _, digest in keys],
                [hidden(self._ids, digest) for _, _, digest in keys],
            )

    async def opened(self, rows: Sequence[asyncpg.Record]) -> list[Content]:
        """Rows with `tenant`, `document_id`, `digest`, `content` and `key_id` in the clear; without what was erased.

        `digest` is given as it is.
        """
        streams = {
            row["key_id"]: self._ids.contents(row["tenant"], row["document_id"])
            for row in rows
            if row["key_id"] is not None
        }
        wanted = {row["key_id"]: (row["tenant"], streams[row["key_id"]]) for row in rows if row["key_id"] in streams}
        secrets: dict[str, bytes | None] = {}
        if wanted:
            if self._keys is None:
                raise UnknownKeyError()
            # Rows go with their key: whoever still finds one may have it.
            secrets = await self._keys.for_reading(wanted, remembered=True)
        return await _made(partial(_clear, rows, secrets, streams), [row["content"] for row in rows])

    async def seal_some(self, limit: int) -> int:
        """Seal at most `limit` rows that are in the clear; returns how many there were."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT tenant, document_id, digest, content, key_id FROM annals.{self._table} "
                "WHERE key_id IS NULL LIMIT $1",
                limit,
            )
        await self.put_many(await self.opened(rows))
        return len(rows)

    async def _put(
        self,
        contents: Sequence[Content],
        stored: Sequence[tuple[bytes, bytes, str | None]],
        said: str | None,
    ) -> None:
        used = "true" if said is None else "(SELECT annals.use_keys($7::jsonb)) IS NOT NULL"
        gone = (
            "SELECT"
            if said is None
            else f"DELETE FROM annals.{self._table} AS t USING k WHERE t.tenant = k.tenant "
            "AND t.document_id = k.document_id AND t.digest = k.clear AND t.key_id IS NULL"
        )
        arguments: list[Any] = [
            [one.tenant for one in contents],
            [one.document_id for one in contents],
            [digest for digest, _, _ in stored],
            [content for _, content, _ in stored],
            [key_id for _, _, key_id in stored],
            [one.digest for one in contents],
        ]
        async with acquire(self._pool) as connection:
            await connection.execute(
                "WITH k AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[], "
                f"$5::text[], $6::bytea[]) AS k (tenant, document_id, digest, content, key_id, clear) WHERE {used}), "
                f"gone AS ({gone}) "
                f"INSERT INTO annals.{self._table} (tenant, document_id, digest, content, key_id) "
                "SELECT tenant, document_id, digest, content, key_id FROM k ON CONFLICT DO NOTHING",
                *arguments,
                *(() if said is None else (said,)),
            )


def hidden(ids: LogIds, digest: bytes) -> bytes:
    """What stands for a digest where it is sealed: whoever sees it does not learn the digest."""
    return ids.digest(b"annals content 1", digest)


def open_content(sealed: Content, secret: bytes, stream: UUID) -> bytes:
    """The content of a row, sealed for `stream`. Raises DecryptionError where anything of it was changed."""
    compressed = sealed.content.startswith(COMPRESSED)
    head, raw = (sealed.content[:_HEAD_BYTES], sealed.content[_HEAD_BYTES:]) if compressed else (b"", sealed.content)
    try:
        within = AESGCM(secret).decrypt(raw[:IV_BYTES], raw[IV_BYTES:], _associated(stream, head))
    except (InvalidTag, ValueError):
        raise DecryptionError() from None
    return bytes(cramjam.zstd.decompress(within)) if compressed else within


def _clear(
    rows: Sequence[asyncpg.Record], secrets: Mapping[str, bytes | None], streams: Mapping[str, UUID]
) -> list[Content]:
    found = []
    for row in rows:
        own = Content(row["tenant"], row["document_id"], bytes(row["digest"]), bytes(row["content"]))
        if row["key_id"] is None:
            found.append(own)
        elif (secret := secrets[row["key_id"]]) is not None:
            found.append(own._replace(content=open_content(own, secret, streams[row["key_id"]])))
    return found


def _sealed(contents: Sequence[Content], keys: AppendingKeys) -> list[tuple[bytes, bytes, str]]:
    return [_sealed_one(one, keys) for one in contents]


def _sealed_one(one: Content, keys: AppendingKeys) -> tuple[bytes, bytes, str]:
    stream = keys.ids.contents(one.tenant, one.document_id)
    key = keys.keys[stream]
    head, within = _compressed(one.content)
    iv = os.urandom(IV_BYTES)
    sealed = AESGCM(key.secret).encrypt(iv, within, _associated(stream, head))
    return hidden(keys.ids, one.digest), head + iv + sealed, key.key_id


def _compressed(content: bytes) -> tuple[bytes, bytes]:
    """What is before the iv, and what is sealed."""
    if len(content) >= LEAST_COMPRESSED:
        within = bytes(cramjam.zstd.compress(content, LEVEL))
        if len(within) + _HEAD_BYTES < len(content):
            return COMPRESSED + len(content).to_bytes(_LENGTH_BYTES, "big"), within
    return b"", content


async def _made(make: Callable[[], Made], of: Sequence[bytes]) -> Made:
    """In a thread where it takes long."""
    return await asyncio.to_thread(make) if sum(map(len, of)) > ASIDE_BYTES else make()


def _associated(stream: UUID, head: bytes) -> bytes:
    return b"annals content 1\x00" + stream.bytes + head


def _said(keys: AppendingKeys, streams: dict[UUID, str]) -> str:
    """As annals.use_keys takes it."""
    new = [
        {
            "key_id": key.key_id,
            "tenant": streams[stream],
            "subject": subject_of(stream),
            "master": key.wrapped.master,
            "wrapped": base64.b64encode(key.wrapped.data).decode(),
        }
        for stream, key in keys.keys.items()
        if key.wrapped is not None
    ]
    used = [key.key_id for key in keys.keys.values()]
    return json.dumps({"used": used, "keys": new, "changes": keys.changes})
