"""Model outputs, by (model revision, digest of the text): a redelivery or a replay never runs a model again."""

from collections.abc import Mapping, Sequence

from eventstore.pool import PostgresPool, acquire

CLEARED_AT_ONCE = 20_000
"""Rows of a few kilobytes: seconds, where a statement may take a minute."""


class ModelOutputs:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def get_many(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept of `digests` (hexadecimal)."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT encode(digest, 'hex') AS digest, output FROM annals.model_outputs "
                "WHERE model = $1 AND digest = ANY($2::bytea[])",
                model,
                [bytes.fromhex(digest) for digest in set(digests)],
            )
        return {row["digest"]: bytes(row["output"]) for row in rows}

    async def put_many(self, model: str, outputs: Mapping[str, bytes]) -> None:
        """Keep outputs; what is there already stays, for a model says the same of the same text."""
        if outputs:
            async with acquire(self._pool) as connection:
                await connection.execute(
                    "INSERT INTO annals.model_outputs (model, digest, output) "
                    "SELECT $1, * FROM unnest($2::bytea[], $3::bytea[]) ON CONFLICT DO NOTHING",
                    model,
                    [bytes.fromhex(digest) for digest in outputs],
                    list(outputs.values()),
                )

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
