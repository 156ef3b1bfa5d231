"""Keys of requests that are to be done once, with their answers, in PostgreSQL; forgotten after a day."""

import asyncio
import hashlib
import json
import logging
from dataclasses import dataclass
from uuid import UUID

from eventstore.errors import StoreUnavailableError
from eventstore.log_ids import LogIds
from eventstore.pool import PostgresPool, acquire

log = logging.getLogger(__name__)

KEPT = "24 hours"
PRUNE_EVERY_S = 600.0
PRUNE_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class KeyScope:
    """Keys of two users, or of two tenants, have nothing to do with each other."""

    tenant: str
    actor: str
    key: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`status` is None while the request is being done. `fingerprint`: of what was asked."""

    fingerprint: bytes
    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes


class IdempotencyKeys:
    """Every method raises StoreUnavailableError."""

    def __init__(self, pool: PostgresPool, ids: LogIds) -> None:
        self._pool, self._ids = pool, ids

    def fingerprint(self, asked: bytes) -> bytes:
        """32 bytes that tell requests apart: nobody who guesses what was asked, a whole text perhaps, sees whether it
        was. Ids of deliveries are made of it, which are never forgotten."""
        plain = hashlib.sha256(asked).digest()
        return plain if self._ids.fingerprint is None else self._ids.digest(b"annals request 1", plain)

    async def begin(self, scope: KeyScope, fingerprint: bytes, holder: UUID, limit_s: float) -> KeptAnswer | None:
        """None where `holder` is to do it now; else what is known of who did or does it.

        Whoever did not end within its `limit_s` is taken for dead.
        """
        async with acquire(self._pool) as connection:
            while True:
                mine = await connection.fetchval(
                    "INSERT INTO annals.idempotency_keys AS k (tenant, actor, key, fingerprint, holder, held_until) "
                    "VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6)) "
                    "ON CONFLICT (tenant, actor, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
                    "holder = excluded.holder, held_until = excluded.held_until, status = NULL, headers = NULL, "
                    "body = NULL, created_at = now() "
                    f"WHERE k.created_at < now() - interval '{KEPT}' "
                    "OR (k.status IS NULL AND k.held_until < now() AND k.fingerprint = excluded.fingerprint) "
                    "RETURNING true",
                    scope.tenant,
                    scope.actor,
                    scope.key,
                    fingerprint,
                    holder,
                    limit_s,
                )
                if mine:
                    return None
                row = await connection.fetchrow(
                    "SELECT fingerprint, status, headers, body FROM annals.idempotency_keys "
                    "WHERE tenant = $1 AND actor = $2 AND key = $3",
                    scope.tenant,
                    scope.actor,
                    scope.key,
                )
                # One that failed in between is there no more.
                if row is not None:
                    pairs = json.loads(row["headers"] or "[]")
                    headers = tuple((str(name), str(value)) for name, value in pairs)
                    return KeptAnswer(bytes(row["fingerprint"]), row["status"], headers, bytes(row["body"] or b""))

    async def finish(
        self, scope: KeyScope, holder: UUID, status: int, headers: tuple[tuple[str, str], ...], body: bytes
    ) -> None:
        """Keep the answer, unless somebody else took over meanwhile."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "UPDATE annals.idempotency_keys SET status = $5, headers = $6::jsonb, body = $7 "
                "WHERE tenant = $1 AND actor = $2 AND key = $3 AND holder = $4",
                scope.tenant,
                scope.actor,
                scope.key,
                holder,
                status,
                json.dumps(headers),
                body,
            )

    async def forget(self, scope: KeyScope, holder: UUID) -> None:
        """It was not done: whoever asks again, does it."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "DELETE FROM annals.idempotency_keys WHERE tenant = $1 AND actor = $2 AND key = $3 AND holder = $4",
                scope.tenant,
                scope.actor,
                scope.key,
                holder,
            )

    async def prune(self) -> int:
        """Delete old keys, at most PRUNE_ROWS of them; returns how many."""
        async with acquire(self._pool) as connection:
            deleted = await connection.fetch(
                "DELETE FROM annals.idempotency_keys WHERE ctid = ANY(ARRAY(SELECT ctid FROM annals.idempotency_keys "
                f"WHERE created_at < now() - interval '{KEPT}' ORDER BY created_at LIMIT $1)) RETURNING 1",
                PRUNE_ROWS,
            )
        return len(deleted)

    async def keep_pruned(self) -> None:
        """Prune now and once in PRUNE_EVERY_S, until cancelled; while the database is away it is left for later."""
        while True:
            pruned = 0
            try:
                pruned = await self.prune()
            except StoreUnavailableError as error:
                log.warning("idempotency keys are pruned later: %s", error)
            if pruned < PRUNE_ROWS:
                await asyncio.sleep(PRUNE_EVERY_S)
