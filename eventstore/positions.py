"""How far each consumer is, stages and projections alike: a broker that lost everything is filled from the lowest.

A projection's read model holds its own positions, which are exact; those here follow them, so that they can be read
while the read model's server is away. One that is too low only makes events come again.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from contracts.topics import Partition
from eventstore.pool import PostgresPool, acquire, transaction


class TimedPosition(NamedTuple):
    """Where a consumer is in a partition, and since when; `at` is None where that is not known."""

    position: int
    at: datetime | None


def low_watermark(positions: Mapping[Partition, int], partitions: Iterable[Partition]) -> int:
    """Up to which position of the log everything of all these partitions is there; 0 without partitions."""
    return min((positions.get(partition, 0) for partition in partitions), default=0)


class ConsumerPositions:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def advance(self, consumer: str, positions: Mapping[Partition, int]) -> None:
        """Everything up to these positions was processed. Never goes back but by a crash of the server, as nobody waits
        for its disk: then events come again.
        """
        await self.advance_all({consumer: positions})

    async def advance_all(self, positions: Mapping[str, Mapping[Partition, int]]) -> None:
        """The same of several consumers."""
        rows = [(consumer, *one, at) for consumer, own in sorted(positions.items()) for one, at in sorted(own.items())]
        if not rows:
            return
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.consumer_positions AS p (consumer, topic, partition, position, advanced_at) "
                "SELECT k.*, clock_timestamp() FROM set_config('synchronous_commit', 'off', true), "
                "unnest($1::text[], $2::text[], $3::int[], $4::bigint[]) AS k "
                "ON CONFLICT (consumer, topic, partition) DO UPDATE "
                "SET position = excluded.position, advanced_at = excluded.advanced_at "
                "WHERE p.position < excluded.position",
                *map(list, zip(*rows, strict=True)),
            )

    async def set_back(self, consumer: str, positions: Mapping[Partition, int]) -> None:
        """These and no others: what the consumer had beyond them was lost."""
        async with transaction(self._pool) as connection:
            await connection.execute("DELETE FROM annals.consumer_positions WHERE consumer = $1", consumer)
            await connection.executemany(
                "INSERT INTO annals.consumer_positions (consumer, topic, partition, position) VALUES ($1, $2, $3, $4)",
                [(consumer, *partition, position) for partition, position in sorted(positions.items())],
            )

    async def of(self, consumer: str) -> dict[Partition, int]:
        """Where one consumer is, for each partition it ever had something of."""
        return (await self.all()).get(consumer, {})

    async def all(self) -> dict[str, dict[Partition, int]]:
        """Where every consumer is."""
        return {
            consumer: {partition: one.position for partition, one in timed.items()}
            for consumer, timed in (await self.timed()).items()
        }

    async def timed(self) -> dict[str, dict[Partition, TimedPosition]]:
        """Where every consumer is, and since when."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch("SELECT * FROM annals.consumer_positions")
        found: dict[str, dict[Partition, TimedPosition]] = {}
        for row in rows:
            partition = row["topic"], row["partition"]
            found.setdefault(row["consumer"], {})[partition] = TimedPosition(row["position"], row["advanced_at"])
        return found
