"""Dead letters: what could not be decoded or handled, kept whole with its cause, to be looked at and tried again.

Each belongs to a tenant; one of which that cannot be told belongs to the operator. Methods that take a `tenant` see
that tenant's letters alone, and with None all there are, which is for the operator.

`collections`: letters with an event of a document that is, or was at the end, of one of these, "" for none, and
messages to an inbox that name such a document; None for all letters.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Literal

import asyncpg

from contracts.event_types import CONTENT_TYPES
from eventstore.keys import AggregateKey
from eventstore.log import CHANNEL
from eventstore.paused_consumers import PausedConsumers
from eventstore.pool import PostgresPool, acquire, transaction

Status = Literal["open", "retrying", "resolved", "dropped"]

INBOX = "inbox"
"""How the consumers begin that take messages in."""
_OURS = "($1::text IS NULL OR tenant = $1)"


def _seen(collections: str) -> str:
    """Condition on the letter `l`. Its event says of which document it is: others may be called the same.

    A message of an inbox has no event yet: it is of the document that it names.
    """
    return (
        f"({collections}::text[] IS NULL OR EXISTS (SELECT FROM annals.stored_events AS e "
        "JOIN annals.document_collections AS c USING (originator_id) WHERE e.event_id = l.event_id "
        f"AND e.tenant = l.tenant AND c.document_id = l.aggregate_id AND c.collection = ANY({collections})) "
        f"OR (l.event_id IS NULL AND starts_with(l.consumer, '{INBOX}') AND EXISTS ("
        "SELECT FROM annals.document_collections AS c WHERE c.tenant = l.tenant AND c.document_id = l.aggregate_id "
        f"AND c.collection = ANY({collections}))))"
    )


WAITS = "WaitsBehindError"
"""Error of a letter that waits behind another one of its aggregate."""
WEBHOOK = "webhook:"
"""How the consumers begin whose letters are sent again by themselves, and not by the relay."""
_UNDONE = "status IN ('open', 'retrying')"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`identity` names the message for its consumer, so that setting it aside twice keeps one letter.

    `id` is what it is called, and tells nothing of others; `number` counts the letters of all tenants, for the relay.
    `head` is the log's newest position when it was set aside; `retry_token` is known to the relay's retry alone.
    """

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
    aggregate_id: str | None = None
    event_id: str | None = None
    position: int | None = None
    id: int | None = None
    number: int | None = None
    attempts: int = 1
    status: Status = "open"
    reason: str | None = None
    head: int | None = None
    retry_token: str | None = field(default=None, repr=False)
    created_at: datetime | None = None


class DeadLetters:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool
        self.paused = PausedConsumers(pool)

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep letters. One that is there already counts an attempt more and is open again, unless it was dropped."""
        async with transaction(self._pool) as connection:
            await connection.executemany(
                "INSERT INTO annals.dead_letters AS l (tenant, aggregate_id, consumer, identity, topic, partition, "
                '"offset", key, value, headers, event_id, position, error, cause, head) '
                "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb, $11::text::uuid, $12, $13, $14, "
                "(SELECT coalesce(max(notification_id), 0) FROM annals.stored_events)) "
                "ON CONFLICT (consumer, identity) DO UPDATE SET attempts = l.attempts + 1, "
                "error = excluded.error, cause = excluded.cause, retry_token = NULL, republish = false, "
                "status = CASE WHEN l.status = 'dropped' THEN l.status ELSE 'open' END",
                [
                    (
                        letter.tenant,
                        letter.aggregate_id,
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

    async def newest(
        self, tenant: str | None, status: Status | None, limit: int = 100, collections: Collection[str] | None = None
    ) -> list[DeadLetter]:
        """The newest first; of one status, or of all."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT * FROM annals.dead_letters AS l WHERE {_OURS} AND ($2::text IS NULL OR status = $2) "
                f"AND {_seen('$4')} ORDER BY id DESC LIMIT $3",
                tenant,
                status,
                limit,
                _listed(collections),
            )
        return [_letter(row) for row in rows]

    async def get(
        self, tenant: str | None, letter_id: int, collections: Collection[str] | None = None
    ) -> DeadLetter | None:
        """One letter."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                f"SELECT * FROM annals.dead_letters AS l WHERE {_OURS} AND public_id = $2 AND {_seen('$3')}",
                tenant,
                letter_id,
                _listed(collections),
            )
        return None if row is None else _letter(row)

    async def numbered(self, number: int) -> DeadLetter | None:
        """One letter, by the number that the relay knows it by."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.dead_letters WHERE id = $1", number)
        return None if row is None else _letter(row)

    async def mark_retrying(
        self, tenant: str | None, ids: Sequence[int] | None, collections: Collection[str] | None = None
    ) -> list[int]:
        """Ask the relay to publish letters again: these with those that wait behind them, or all.

        Returns the ids of those that were not done with.
        """
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(
                "UPDATE annals.dead_letters AS l "
                "SET status = 'retrying', republish = NOT starts_with(l.consumer, $4), retry_token = gen_random_uuid() "
                f"WHERE {_OURS} AND {_UNDONE} AND {_seen('$5')} "
                "AND ($2::bigint[] IS NULL OR public_id = ANY($2) OR (error = $3 AND EXISTS ("
                "SELECT FROM annals.dead_letters AS f WHERE f.public_id = ANY($2) AND f.id < l.id "
                "AND f.consumer = l.consumer AND f.tenant = l.tenant AND f.aggregate_id = l.aggregate_id))) "
                "RETURNING id, public_id",
                tenant,
                None if ids is None else list(ids),
                WAITS,
                WEBHOOK,
                _listed(collections),
            )
            await connection.execute(f"NOTIFY {CHANNEL}")
        return _ids(rows)

    async def retrying_webhooks(self, limit: int) -> list[DeadLetter]:
        """Of each webhook the oldest letter that is to be sent again; at most so many."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (consumer) * FROM annals.dead_letters "
                "WHERE status = 'retrying' AND starts_with(consumer, $1) ORDER BY consumer, id LIMIT $2",
                WEBHOOK,
                limit,
            )
        return [_letter(row) for row in rows]

    async def drop_all_of(self, tenant: str, consumer: str, reason: str) -> None:
        """Give up every letter of a consumer that is no more."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                f"UPDATE annals.dead_letters SET status = 'dropped', reason = $3, republish = false "
                f"WHERE tenant = $1 AND consumer = $2 AND {_UNDONE}",
                tenant,
                consumer,
                reason,
            )

    async def drop(
        self, tenant: str | None, ids: Sequence[int], reason: str, collections: Collection[str] | None = None
    ) -> list[int]:
        """Give letters up, with the reason. Returns the ids of those that were not done with."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "UPDATE annals.dead_letters AS l SET status = 'dropped', reason = $3, republish = false, "
                f"retry_token = NULL WHERE {_OURS} AND {_UNDONE} AND public_id = ANY($2) AND {_seen('$4')} "
                "RETURNING id, public_id",
                tenant,
                list(ids),
                reason,
                _listed(collections),
            )
        return _ids(rows)

    async def resolve(self, letter: DeadLetter) -> None:
        """This letter's message was handled at last, unless it was given up or tried again since the letter was read.

        What waits behind it is as new as the log is now: nothing overtook it.
        """
        async with transaction(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.dead_letters SET head = (SELECT max(notification_id) FROM annals.stored_events) "
                f"WHERE {_UNDONE} AND id > $1 AND consumer = $2 AND tenant = $3 AND aggregate_id = $4 AND error = $5",
                letter.number,
                letter.consumer,
                letter.tenant,
                letter.aggregate_id,
                WAITS,
            )
            await connection.execute(
                "UPDATE annals.dead_letters SET status = 'resolved', retry_token = NULL "
                f"WHERE id = $1 AND retry_token IS NOT DISTINCT FROM $2::text::uuid AND {_UNDONE}",
                letter.number,
                letter.retry_token,
            )

    async def undone(
        self, consumer: str, keys: Sequence[AggregateKey], without: Sequence[str]
    ) -> dict[AggregateKey, list[DeadLetter]]:
        """A consumer's letters of these aggregates that are not done with, the oldest first.

        Those of the errors `without` are left out, and so are aggregates that have none.
        """
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT l.*, k.number FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS k (tenant, id, number) "
                "JOIN annals.dead_letters AS l ON l.tenant = k.tenant AND l.aggregate_id = k.id "
                f"WHERE l.consumer = $1 AND l.{_UNDONE} AND l.error <> ALL($4) ORDER BY l.id",
                consumer,
                [key.tenant for key in keys],
                [key.aggregate_id for key in keys],
                list(without),
            )
        found: dict[AggregateKey, list[DeadLetter]] = {}
        for row in rows:
            found.setdefault(keys[row["number"] - 1], []).append(_letter(row))
        return found

    async def of_aggregates(self, tenant: str, aggregate_ids: Sequence[str]) -> dict[str, str]:
        """For each of these documents with an event of its present content among the letters: what went wrong last."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT l.aggregate_id, l.consumer, l.cause FROM annals.dead_letters AS l "
                "JOIN annals.stored_events AS e ON e.event_id = l.event_id AND e.tenant = l.tenant "
                "JOIN annals.document_collections AS d ON d.originator_id = e.originator_id "
                "AND d.document_id = l.aggregate_id "
                f"WHERE l.{_UNDONE} AND l.tenant = $1 AND l.aggregate_id = ANY($2) "
                "AND e.originator_version >= (SELECT coalesce(max(c.originator_version), 0) "
                "FROM annals.stored_events AS c WHERE c.originator_id = e.originator_id "
                "AND c.topic = ANY($3)) ORDER BY l.id",
                tenant,
                list(aggregate_ids),
                [str(event_type) for event_type in CONTENT_TYPES],
            )
        return {row["aggregate_id"]: f"{row['consumer']}: {row['cause']}" for row in rows}

    async def count(self, tenant: str | None, collections: Collection[str] | None = None) -> int:
        """How many are not done with."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    f"SELECT count(*) FROM annals.dead_letters AS l WHERE {_OURS} AND {_UNDONE} AND {_seen('$2')}",
                    tenant,
                    _listed(collections),
                )
            )

    async def count_of_no_tenant(self) -> int:
        """How many are not done with and belong to the operator."""
        async with acquire(self._pool) as connection:
            return int(
                await connection.fetchval(
                    f"SELECT count(*) FROM annals.dead_letters WHERE tenant IS NULL AND {_UNDONE}"
                )
            )


def _listed(collections: Collection[str] | None) -> list[str] | None:
    return None if collections is None else sorted(collections)


def _ids(rows: Sequence[asyncpg.Record]) -> list[int]:
    """The oldest letter first."""
    return [row["public_id"] for row in sorted(rows, key=itemgetter("id"))]


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
        aggregate_id=row["aggregate_id"],
        event_id=None if row["event_id"] is None else str(row["event_id"]),
        position=row["position"],
        id=row["public_id"],
        number=row["id"],
        attempts=row["attempts"],
        status=row["status"],
        reason=row["reason"],
        head=row["head"],
        retry_token=None if row["retry_token"] is None else str(row["retry_token"]),
        created_at=row["created_at"],
    )
