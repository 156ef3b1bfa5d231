"""The audit log's tables: appending in batches, reading within one tenant, removing the oldest.

The tenant None stands for entries whose tenant is not known; in the tables it is an empty text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg

from eventstore.pool import Connection, PostgresPool, acquire, transaction
from security.audit import AuditEntry, Category, Outcome, plain
from security.audit_chain import RecordedEntry, chained

_COLUMNS = (
    *("tenant", "sequence", "id", "at", "actor", "category", "action", "resource", "object_id", "outcome", "reason"),
    *("credential", "address", "request_id", "hash"),
)
_READ = ", ".join(column for column in _COLUMNS if column != "id")


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Conditions that are all met; None is no condition. `since` is inclusive, `until` is not."""

    actor: str | None = None
    category: Category | None = None
    outcome: Outcome | None = None
    resource: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """The end of a tenant's chain, and what retention removed from its beginning."""

    tenant: str | None
    sequence: int
    hash: bytes
    pruned_to: int
    pruned_hash: bytes


class AuditEntries:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def append(self, entries: Sequence[tuple[UUID, AuditEntry]], *, again: bool) -> None:
        """Store entries in this order in one transaction. `again`: some may be stored already, known by their ids."""
        tenants = sorted({entry.tenant or "" for _, entry in entries})
        async with transaction(self._pool) as connection:
            ends = await _lock_chains(connection, tenants)
            stored = set[UUID]()
            if again:
                ids = [entry_id for entry_id, _ in entries]
                rows = await connection.fetch("SELECT id FROM annals.audit_log WHERE id = ANY($1)", ids)
                stored = {row["id"] for row in rows}
            records = []
            for entry_id, entry in entries:
                if entry_id in stored:
                    continue
                end = ends[entry.tenant or ""]
                end.sequence += 1
                end.hash = chained(end.hash, end.sequence, end.at, entry)
                records.append(_record(end, entry_id, entry))
            await connection.copy_records_to_table("audit_log", schema_name="annals", columns=_COLUMNS, records=records)
            await connection.execute(
                "UPDATE annals.audit_chains AS c SET sequence = n.sequence, at = n.at, hash = n.hash FROM "
                "unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::bytea[]) AS n (tenant, sequence, at, hash) "
                "WHERE c.tenant = n.tenant",
                tenants,
                [ends[tenant].sequence for tenant in tenants],
                [ends[tenant].at for tenant in tenants],
                [ends[tenant].hash for tenant in tenants],
            )

    async def newest(
        self, tenant: str | None, wanted: AuditFilter, before: int | None, limit: int
    ) -> list[RecordedEntry]:
        """A tenant's newest entries first, those numbered below `before`."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT {_READ} FROM annals.audit_log WHERE tenant = $1 AND ($2::bigint IS NULL OR sequence < $2) "
                "AND ($3::text IS NULL OR actor = $3) AND ($4::text IS NULL OR category = $4) "
                "AND ($5::text IS NULL OR outcome = $5) AND ($6::text IS NULL OR resource = $6) "
                "AND ($7::text IS NULL OR object_id = $7) AND ($8::timestamptz IS NULL OR at >= $8) "
                "AND ($9::timestamptz IS NULL OR at < $9) ORDER BY sequence DESC LIMIT $10",
                tenant or "",
                before,
                None if wanted.actor is None else plain(wanted.actor),
                wanted.category,
                wanted.outcome,
                None if wanted.resource is None else plain(wanted.resource),
                None if wanted.object_id is None else plain(wanted.object_id),
                wanted.since,
                wanted.until,
                limit,
            )
        return [_recorded(row) for row in rows]

    async def oldest(self, tenant: str | None, after: int, to: int, limit: int) -> list[RecordedEntry]:
        """A tenant's entries numbered from `after` (exclusive) to `to` (inclusive), in order."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT {_READ} FROM annals.audit_log WHERE tenant = $1 AND sequence > $2 AND sequence <= $3 "
                "ORDER BY sequence LIMIT $4",
                tenant or "",
                after,
                to,
                limit,
            )
        return [_recorded(row) for row in rows]

    async def of_objects(self, tenant: str, object_ids: Sequence[str], limit: int) -> list[RecordedEntry]:
        """A tenant's newest entries about any of these objects."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                f"SELECT {_READ} FROM annals.audit_log WHERE tenant = $1 AND object_id = ANY($2) AND object_id <> '' "
                "ORDER BY sequence DESC LIMIT $3",
                tenant,
                [plain(object_id) for object_id in object_ids],
                limit,
            )
        return [_recorded(row) for row in rows]

    async def chain(self, tenant: str | None) -> Chain | None:
        """The chain of one tenant; None where it has no entries."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow("SELECT * FROM annals.audit_chains WHERE tenant = $1", tenant or "")
        return None if row is None else _chain(row)

    async def chains(self) -> list[Chain]:
        """Every chain, by tenant; for the operator."""
        async with acquire(self._pool) as connection:
            return [_chain(row) for row in await connection.fetch("SELECT * FROM annals.audit_chains ORDER BY tenant")]


@dataclass
class _End:
    sequence: int
    at: datetime
    hash: bytes


async def _lock_chains(connection: Connection, tenants: Sequence[str]) -> Mapping[str, _End]:
    """The ends of these chains, held until the transaction ends; in one order, so that no two writers cross."""
    locked = (
        "SELECT tenant, sequence, greatest(at, clock_timestamp()) AS at, hash FROM annals.audit_chains "
        "WHERE tenant = ANY($1) ORDER BY tenant FOR UPDATE"
    )
    rows = await connection.fetch(locked, tenants)
    if len(rows) < len(tenants):
        await connection.execute(
            "INSERT INTO annals.audit_chains (tenant) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING", tenants
        )
        rows = await connection.fetch(locked, tenants)
    return {row["tenant"]: _End(row["sequence"], row["at"], row["hash"]) for row in rows}


def _record(end: _End, entry_id: UUID, entry: AuditEntry) -> tuple[Any, ...]:
    return (
        *(entry.tenant or "", end.sequence, entry_id, end.at, entry.actor, entry.category, entry.action),
        *(entry.resource, entry.object_id, entry.outcome, entry.reason, entry.credential, entry.address),
        *(entry.request_id, end.hash),
    )


def _recorded(row: asyncpg.Record) -> RecordedEntry:
    entry = AuditEntry(
        tenant=row["tenant"] or None,
        actor=row["actor"],
        category=cast(Category, row["category"]),
        action=row["action"],
        resource=row["resource"],
        object_id=row["object_id"],
        outcome=cast(Outcome, row["outcome"]),
        reason=row["reason"],
        credential=row["credential"],
        address=row["address"],
        request_id=row["request_id"],
    )
    return RecordedEntry(row["sequence"], row["at"], entry, row["hash"])


def _chain(row: asyncpg.Record) -> Chain:
    return Chain(row["tenant"] or None, row["sequence"], row["hash"], row["pruned_to"], row["pruned_hash"])
