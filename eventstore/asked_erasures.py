"""Erasures of subjects that were asked for and have not ended, each leased by the process that is at work on it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.pool import PostgresPool, acquire

LEASE_S = 15.0
"""How long nobody else takes one up: it is renewed meanwhile."""


@dataclass(frozen=True, slots=True)
class AskedErasure:
    """`documents` are those that name the subject once it is `listed`, before the list that was shown; `done` is how
    many of them are erased, `questions`, `entities`, `keys` and `in_the_clear` what went with those. `asked_by` are the
    texts that make the caller."""

    id: UUID
    tenant: str
    asked_by: Mapping[str, str | None]
    names: tuple[str, ...]
    documents: tuple[str, ...]
    reason: str
    listed: bool
    done: int
    questions: tuple[str, ...]
    entities: tuple[str, ...]
    keys: int
    in_the_clear: int
    asked_at: datetime


class AskedErasures:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def add(
        self,
        erasure_id: UUID,
        tenant: str,
        asked_by: Mapping[str, str | None],
        names: Sequence[str],
        documents: Sequence[str],
        reason: str,
    ) -> AskedErasure:
        """Leased by who asks. Where the same subject is being erased already, that one."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "SELECT * FROM annals.asked_erasures WHERE tenant = $1 AND names = $2", tenant, list(names)
            ) or await connection.fetchrow(
                "INSERT INTO annals.asked_erasures (id, tenant, asked_by, names, documents, reason, leased_until) "
                "VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7)) RETURNING *",
                erasure_id,
                tenant,
                json.dumps(dict(asked_by)),
                list(names),
                list(documents),
                reason,
                LEASE_S,
            )
        return _asked(row)

    async def get(self, erasure_id: UUID) -> AskedErasure | None:
        """None where it has ended, or was called off."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.asked_erasures WHERE id = $1", erasure_id)
        return None if row is None else _asked(row)

    async def take(self) -> list[AskedErasure]:
        """Those on which nobody is at work any more: now who calls this is."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "UPDATE annals.asked_erasures SET leased_until = now() + make_interval(secs => $1) WHERE id IN "
                "(SELECT id FROM annals.asked_erasures WHERE leased_until < now() FOR UPDATE SKIP LOCKED) RETURNING *",
                LEASE_S,
            )
        return [_asked(row) for row in rows]

    async def lease(self, erasure_id: UUID, for_s: float) -> None:
        """From now on; 0 gives it up."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.asked_erasures SET leased_until = now() + make_interval(secs => $2) WHERE id = $1",
                erasure_id,
                for_s,
            )

    async def list_documents(self, erasure_id: UUID, documents: Sequence[str]) -> None:
        """These name the subject, and are going to be erased."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.asked_erasures SET documents = $2, listed = true WHERE id = $1",
                erasure_id,
                list(documents),
            )

    async def advance(self, asked: AskedErasure) -> None:
        """What is done of it, and what went with that."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.asked_erasures SET done = $2, questions = $3, entities = $4, keys = $5, "
                "in_the_clear = $6 WHERE id = $1",
                asked.id,
                asked.done,
                list(asked.questions),
                list(asked.entities),
                asked.keys,
                asked.in_the_clear,
            )

    async def remove(self, erasure_id: UUID) -> None:
        """It has ended, or is called off."""
        async with acquire(self._pool) as connection:
            await connection.execute("DELETE FROM annals.asked_erasures WHERE id = $1", erasure_id)


def _asked(row: Any) -> AskedErasure:
    return AskedErasure(
        id=UUID(str(row["id"])),
        tenant=row["tenant"],
        asked_by=json.loads(row["asked_by"]),
        names=tuple(row["names"]),
        documents=tuple(row["documents"]),
        reason=row["reason"],
        listed=row["listed"],
        done=row["done"],
        questions=tuple(row["questions"]),
        entities=tuple(row["entities"]),
        keys=row["keys"],
        in_the_clear=row["in_the_clear"],
        asked_at=row["asked_at"],
    )
