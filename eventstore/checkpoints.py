"""Checkpoints of the log and the keys that sign them; and the hashes of the log, which they are made from."""

from collections.abc import AsyncIterator, Sequence

from eventstore.pool import PostgresPool, acquire
from security.checkpoints import Checkpoint, CheckpointKey
from security.merkle import MerkleTree

PAGE_HASHES = 20_000


class Checkpoints:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def all(self) -> Sequence[Checkpoint]:
        """In the order of positions."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch("SELECT signed FROM annals.checkpoints ORDER BY position")
        return [Checkpoint.model_validate_json(row["signed"]) for row in rows]

    async def newest(self) -> tuple[Checkpoint, MerkleTree] | None:
        """The one of the highest position, and its tree, to go on from."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.checkpoints ORDER BY position DESC LIMIT 1")
        if row is None:
            return None
        return Checkpoint.model_validate_json(row["signed"]), MerkleTree(row["size"], list(row["subtrees"]))

    async def add(self, checkpoint: Checkpoint, tree: MerkleTree) -> None:
        """Keep one; where another process was faster, its own stays."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.checkpoints (position, size, subtrees, signed) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT DO NOTHING",
                checkpoint.position,
                tree.size,
                tree.roots,
                checkpoint.model_dump_json(),
            )

    async def key(self) -> CheckpointKey | None:
        """The newest key."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT id, public_key, sealed_private_key FROM annals.checkpoint_keys "
                "ORDER BY created_at DESC, id LIMIT 1"
            )
        return None if row is None else CheckpointKey(*row)

    async def add_key(self, key: CheckpointKey) -> None:
        """Keep a new one."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.checkpoint_keys (id, public_key, sealed_private_key) VALUES ($1, $2, $3)",
                key.id,
                key.public_key,
                key.sealed_private_key,
            )

    async def hashes(self, after: int, up_to: int | None = None) -> AsyncIterator[list[tuple[int, bytes]]]:
        """Positions and hashes of the events behind a position, in order, page by page."""
        while True:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(
                    "SELECT notification_id, hash FROM annals.stored_events WHERE notification_id > $1 "
                    "AND ($2::bigint IS NULL OR notification_id <= $2) ORDER BY notification_id LIMIT $3",
                    after,
                    up_to,
                    PAGE_HASHES,
                )
            if not rows:
                return
            yield [(row["notification_id"], row["hash"]) for row in rows]
            after = rows[-1]["notification_id"]
