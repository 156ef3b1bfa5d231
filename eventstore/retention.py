"""What is kept for a limited time only, and is removed afterwards; each step is bounded, so that none runs for long."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from eventstore.measures import count_run_out, forget_run_out
from eventstore.pool import PostgresPool, acquire, transaction

STEP_ROWS = 5000
DAY_S = 24 * 3600.0

_DEAD_LETTERS = "status IN ('resolved', 'dropped') AND created_at < now() - $1 * interval '1 day'"
_RECEIPTS = "received_at < now() - $1 * interval '1 day'"
_PROFILES = "updated_at < now() - $1 * interval '1 day'"


@dataclass(frozen=True, slots=True)
class RetentionDays:
    """For how many days each is kept."""

    audit: int
    dead_letters: int
    receipts: int
    threat_profiles: int = 180


@dataclass(frozen=True, slots=True)
class Rule:
    """`count` says how many are so many days older than is kept, `step` removes some and says how many.

    `days` is 0 where nothing is kept that counts no more.
    """

    name: str
    days: int
    count: Callable[[int], Awaitable[int]]
    step: Callable[[], Awaitable[int]]


def older(name: str, days: int) -> str:
    """What a rule removes, in words."""
    return f"{name} older than {days} days" if days else name


class Retention:
    """Every call raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool, days: RetentionDays) -> None:
        self._pool = pool
        self.rules = (
            Rule(
                "audit entries",
                days.audit,
                lambda more: self._due_audit(days.audit + more),
                lambda: self._prune(days.audit),
            ),
            self._rule("dead letters that are done with", "dead_letters", _DEAD_LETTERS, days.dead_letters),
            self._rule("receipts", "inbox_receipts", _RECEIPTS, days.receipts),
            self._rule("profiles of accounts that are not used", "threat_profiles", _PROFILES, days.threat_profiles),
            Rule(
                "rates that have run out",
                0,
                lambda more: count_run_out(pool, more * DAY_S),
                lambda: forget_run_out(pool, STEP_ROWS),
            ),
        )

    def _rule(self, name: str, table: str, due: str, days: int) -> Rule:
        async def count(more: int) -> int:
            async with acquire(self._pool) as connection:
                return int(await connection.fetchval(f"SELECT count(*) FROM annals.{table} WHERE {due}", days + more))

        async def step() -> int:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(
                    f"DELETE FROM annals.{table} WHERE ctid = ANY(ARRAY("
                    f"SELECT ctid FROM annals.{table} WHERE {due} LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1",
                    days,
                    STEP_ROWS,
                )
            return len(rows)

        return Rule(name, days, count, step)

    async def _due_audit(self, days: int) -> int:
        async with acquire(self._pool) as connection:
            due = "SELECT count(*) FROM annals.audit_log WHERE at < now() - $1 * interval '1 day'"
            return int(await connection.fetchval(due, days))

    async def _prune(self, days: int) -> int:
        """The oldest of each chain: the chain says first how far, and with which hash it begins from now on."""
        removed = 0
        async with acquire(self._pool) as connection:
            tenants = [row["tenant"] for row in await connection.fetch("SELECT tenant FROM annals.audit_chains")]
        for tenant in tenants:
            async with transaction(self._pool) as connection:
                chain = await connection.fetchrow(
                    "SELECT pruned_to FROM annals.audit_chains WHERE tenant = $1 FOR UPDATE", tenant
                )
                assert chain is not None, "chains are never removed"
                last = await connection.fetchrow(
                    "SELECT sequence, hash FROM (SELECT sequence, hash, at FROM annals.audit_log WHERE tenant = $1 "
                    "AND sequence > $2 ORDER BY sequence LIMIT $4) AS oldest "
                    "WHERE at < now() - $3 * interval '1 day' ORDER BY sequence DESC LIMIT 1",
                    tenant,
                    chain["pruned_to"],
                    days,
                    STEP_ROWS,
                )
                if last is None:
                    continue
                await connection.execute(
                    "UPDATE annals.audit_chains SET pruned_to = $2, pruned_hash = $3 WHERE tenant = $1",
                    tenant,
                    last["sequence"],
                    last["hash"],
                )
                rows = await connection.fetch(
                    "DELETE FROM annals.audit_log WHERE tenant = $1 AND sequence <= $2 RETURNING 1",
                    tenant,
                    last["sequence"],
                )
                removed += len(rows)
        return removed
