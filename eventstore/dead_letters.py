"""Dead letters: what could not be decoded or handled, kept whole with its cause, to be looked at and tried again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import asyncpg

from eventstore.log import CHANNEL
from eventstore.pool import acquire, transaction

Status = Literal["open", "retrying", "resolved"]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`identity` names the message for its consumer, so that setting aside it twice keeps one letter."""

    consumer: str
    identity: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    error: str
    cause: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tenant: str | None = None
    event_id: str | None = None
    position: int | None = None
    id: int | None = None
    attempts: int = 1
    status: Status = "open"
    created_at: datetime | None = None


class DeadLetters:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters. One that is there already counts an attempt more and is open again."""
        async with transaction(self._pool) as connection:
            await connection.executemany(
                "INSERT INTO annals.dead_letters AS l (tenant, consumer, identity, topic, partition, "
                '"offset", key, value, headers, event_id, position, error, cause) '
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10::text::uuid, $11, $12, $13) "
                "ON CONFLICT (consumer, identity) DO UPDATE SET attempts = l.attempts + 1, "
                "error = excluded.error, cause = excluded.cause, status = 'open'",
                [
                    (
                        letter.tenant,
                        letter.consumer,
                        letter.identity,
                        letter.topic,
                        letter.partition,
                        letter.offset,
                        letter.key,
                        letter.value,
                        json.dumps(dict(letter.headers)),
                        letter.event_id,
                        letter.position,
                        letter.error,
                        letter.cause,
                    )
                    for letter in letters
                ],
            )
            await connection.execute(f"NOTIFY {CHANNEL}")

    async def newest(self, status: Status | None, limit: int = 100) -> list[DeadLetter]:
        """The newest first; of one status, or of all."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT * FROM annals.dead_letters WHERE $1::text IS NULL OR status = $1 ORDER BY id DESC LIMIT $2",
                status,
                limit,
            )
        return [_letter(row) for row in rows]

    async def get(self, letter_id: int) -> DeadLetter | None:
        """One letter."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.dead_letters WHERE id = $1", letter_id)
        return None if row is None else _letter(row)

    async def mark_retrying(self, ids: Sequence[int] | None) -> list[int]:
        """Ask the relay to publish open letters again: these, or all. Returns the ids that were open."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                "UPDATE annals.dead_letters SET status = 'retrying', republish = true "
                "WHERE status <> 'resolved' AND ($1::bigint[] IS NULL OR id = ANY($1)) RETURNING id",
                None if ids is None else list(ids),
            )
            await connection.execute(f"NOTIFY {CHANNEL}")
        return sorted(row["id"] for row in rows)

    async def resolve(self, ids: Sequence[int], *, consumer: str) -> None:
        """A retry by this consumer went well."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.dead_letters SET status = 'resolved' WHERE id = ANY($1) AND consumer = $2",
                list(ids),
                consumer,
            )

    async def of_aggregates(self, tenant: str, aggregate_ids: Sequence[str]) -> dict[str, str]:
        """For each of these aggregates that has an event among the letters: what went wrong with the last one."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT e.aggregate_id, l.consumer, l.cause FROM annals.dead_letters AS l "
                "JOIN annals.stored_events AS e ON e.event_id = l.event_id "
                "WHERE l.status <> 'resolved' AND e.tenant = $1 AND e.aggregate_id = ANY($2) ORDER BY l.id",
                tenant,
                list(aggregate_ids),
            )
        return {row["aggregate_id"]: f"{row['consumer']}: {row['cause']}" for row in rows}

    async def count(self) -> int:
        """How many are not resolved."""
        async with acquire(self._pool) as connection:
            return int(await connection.fetchval("SELECT count(*) FROM annals.dead_letters WHERE status <> 'resolved'"))


def _letter(row: asyncpg.Record) -> DeadLetter:
    return DeadLetter(
        consumer=row["consumer"],
        identity=row["identity"],
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        key=row["key"],
        value=row["value"],
        error=row["error"],
        cause=row["cause"],
        headers=json.loads(row["headers"]),
        tenant=row["tenant"],
        event_id=None if row["event_id"] is None else str(row["event_id"]),
        position=row["position"],
        id=row["id"],
        attempts=row["attempts"],
        status=row["status"],
        created_at=row["created_at"],
    )
