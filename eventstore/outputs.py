"""Model outputs, by (model revision, digest of the text): a redelivery or a replay never runs a model again.

Documents that say the same share what a model said of it. So an output is sealed with a key that follows from the
digest of the text and the log's secret, and its row is called by what follows from both another way: who has the two
finds and opens it. The digests are in events of documents alone, which are sealed; in a log without a secret whoever
guesses the text has its digest. Rows of before, in the clear, have the digest itself.
"""

import os
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, acquire, transaction
from security.encryption import IV_BYTES
from security.errors import DecryptionError

CLEARED_AT_ONCE = 20_000
"""Rows of a few kilobytes: seconds, where a statement may take a minute."""
_PUT = (
    "INSERT INTO annals.model_outputs (model, digest, output, sealed) "
    "SELECT k.*, true FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS k ON CONFLICT DO NOTHING"
)
_PUT_SOON = _PUT.replace("FROM ", "FROM set_config('synchronous_commit', 'off', true), ")
"""Nobody waits for the disk."""


class ModelOutputs:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, ids: LogIds) -> None:
        self._pool, self._ids = pool, ids

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept of `digests` (hexadecimal). Raises DecryptionError where a row was changed."""
        asked = {row_of(self._ids, digest): digest for digest in set(digests)}
        clear = {bytes.fromhex(digest): digest for digest in asked.values()}
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT digest, output, sealed FROM annals.model_outputs "
                "WHERE model = $1 AND digest = ANY($2::bytea[]) ORDER BY sealed",
                model,
                [*asked, *clear],
            )
        found = {}
        for row in rows:
            if row["sealed"]:
                digest = asked[bytes(row["digest"])]
                found[digest] = open_output(self._ids, model, digest, bytes(row["output"]))
            else:
                found[clear[bytes(row["digest"])]] = bytes(row["output"])
        return found

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Keep outputs; what is there already stays, for a model says the same of the same text.

        Nobody waits for the disk: an event that is stored later in this database takes them there with it.
        """
        if outputs:
            async with acquire(self._pool) as connection:
                await connection.execute(
                    _PUT_SOON,
                    [model] * len(outputs),
                    [row_of(self._ids, digest) for digest in outputs],
                    [_sealed(self._ids, model, digest, output) for digest, output in outputs.items()],
                )

    async def seal_some(self, limit: int) -> int:
        """Seal at most `limit` rows that are in the clear; returns how many there were."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                "DELETE FROM annals.model_outputs WHERE (model, digest) IN (SELECT model, digest "
                "FROM annals.model_outputs WHERE NOT sealed LIMIT $1 FOR UPDATE SKIP LOCKED) "
                "RETURNING model, encode(digest, 'hex') AS digest, output",
                limit,
            )
            await connection.execute(
                _PUT,
                [row["model"] for row in rows],
                [row_of(self._ids, row["digest"]) for row in rows],
                [_sealed(self._ids, row["model"], row["digest"], bytes(row["output"])) for row in rows],
            )
        return len(rows)

    async def counts(self) -> dict[str, int]:
        """How many outputs are kept of each revision."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT model, count(*) AS kept FROM annals.model_outputs GROUP BY model ORDER BY model"
            )
        return {row["model"]: row["kept"] for row in rows}

    async def clear(self, model: str) -> int:
        """Forget every output of one revision, some at a time; returns how many there were."""
        cleared = 0
        while True:
            async with acquire(self._pool) as connection:
                status = await connection.execute(
                    "DELETE FROM annals.model_outputs WHERE model = $1 AND digest IN "
                    "(SELECT digest FROM annals.model_outputs WHERE model = $1 LIMIT $2)",
                    model,
                    CLEARED_AT_ONCE,
                )
            cleared += (gone := int(status.rsplit(" ", 1)[1]))
            if gone < CLEARED_AT_ONCE:
                return cleared


def row_of(ids: LogIds, digest: str) -> bytes:
    """By what the sealed outputs of the text with this digest (hexadecimal) are found; it does not say the digest."""
    return ids.digest(b"annals output row 1", bytes.fromhex(digest))


def open_output(ids: LogIds, model: str, digest: str, sealed: bytes) -> bytes:
    """Raises DecryptionError where it was changed."""
    try:
        return AESGCM(_key(ids, model, digest)).decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], None)
    except (InvalidTag, ValueError):
        raise DecryptionError() from None


def _sealed(ids: LogIds, model: str, digest: str, output: bytes) -> bytes:
    iv = os.urandom(IV_BYTES)
    return iv + AESGCM(_key(ids, model, digest)).encrypt(iv, output, None)


def _key(ids: LogIds, model: str, digest: str) -> bytes:
    return ids.digest(b"annals output key 1", bytes.fromhex(digest) + model.encode())
