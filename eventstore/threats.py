"""What is known of how accounts usually behave, and who is blocked, in PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eventstore.pool import PostgresPool, acquire, transaction

MAX_BLOCKS = 10_000
"""That are read at once; who adds more is slowed by limits elsewhere."""


@dataclass(frozen=True, slots=True)
class Block:
    """`identity` is `account/NAME` of a tenant, or `address/ADDRESS` of none (an empty text)."""

    tenant: str
    identity: str
    until: datetime
    explanation: str
    left_s: float


@dataclass(frozen=True, slots=True)
class Count:
    """How often an identity did something in a window; `tenant` and `identity` as in Block."""

    tenant: str
    identity: str
    window: int
    what: str
    count: int


class ThreatStore:
    """Every method raises StoreUnavailableError when the database is away."""

    def __init__(self, pool: PostgresPool) -> None:
        self._pool = pool

    async def profile(self, tenant: str, account: str) -> Mapping[str, Any] | None:
        """What was kept of an account."""
        async with acquire(self._pool) as connection:
            state = await connection.fetchval(
                "SELECT state FROM annals.threat_profiles WHERE tenant = $1 AND account = $2", tenant, account
            )
        return None if state is None else json.loads(state)

    async def keep(self, profiles: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
        """Keep (tenant, account, state) of several, unless another process knows more of it by now."""
        async with acquire(self._pool) as connection:
            await connection.executemany(
                "INSERT INTO annals.threat_profiles AS p (tenant, account, state) VALUES ($1, $2, $3::jsonb) "
                "ON CONFLICT (tenant, account) DO UPDATE SET state = excluded.state, updated_at = now() "
                "WHERE (p.state->>'window')::bigint <= (excluded.state->>'window')::bigint",
                [(tenant, account, json.dumps(state)) for tenant, account, state in profiles],
            )

    async def count(self, counts: Sequence[Count], present_window: int) -> list[Count]:
        """Add these to what all processes counted; returns their totals. Counts of windows long past go."""
        async with transaction(self._pool) as connection:
            columns = zip(*((one.tenant, one.identity, one.window, one.what, one.count) for one in counts), strict=True)
            rows = await connection.fetch(
                "INSERT INTO annals.threat_counts AS c (tenant, identity, time_window, what, count) "
                "SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) AS new "
                "ORDER BY 1, 2, 3, 4 ON CONFLICT (tenant, identity, time_window, what) "
                "DO UPDATE SET count = c.count + excluded.count "
                "RETURNING tenant, identity, time_window, what, count",
                *map(list, columns),
            )
            await connection.execute("DELETE FROM annals.threat_counts WHERE time_window < $1", present_window - 1)
        return [Count(*row) for row in rows]

    async def block(self, tenant: str, identity: str, seconds: int, explanation: str) -> None:
        """From now on, for so long; a block that ends later stays as it is."""
        async with acquire(self._pool) as connection:
            await connection.execute(
                "INSERT INTO annals.threat_blocks AS b (tenant, identity, until, explanation) "
                "VALUES ($1, $2, now() + $3 * interval '1 second', $4) ON CONFLICT (tenant, identity) DO UPDATE "
                "SET until = greatest(b.until, excluded.until), explanation = excluded.explanation",
                tenant,
                identity,
                seconds,
                explanation,
            )

    async def blocks(self) -> list[Block]:
        """Those that are in force, of every tenant."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "SELECT tenant, identity, until, explanation, extract(epoch FROM until - now())::float8 AS left_s "
                "FROM annals.threat_blocks WHERE until > now() ORDER BY until DESC LIMIT $1",
                MAX_BLOCKS,
            )
        return [Block(**row) for row in rows]

    async def end_blocks(self, limit: int = 1000) -> list[tuple[str, str]]:
        """Remove those whose time is over; returns (tenant, identity) of each, to one process alone."""
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(
                "DELETE FROM annals.threat_blocks WHERE (tenant, identity) IN (SELECT tenant, identity "
                "FROM annals.threat_blocks WHERE until <= now() LIMIT $1 FOR UPDATE SKIP LOCKED) "
                "RETURNING tenant, identity",
                limit,
            )
        return [(row["tenant"], row["identity"]) for row in rows]

    async def unblock(self, tenant: str, identity: str) -> bool:
        """End a block before its time; whether there was one."""
        async with acquire(self._pool) as connection:
            row = await connection.fetchrow(
                "DELETE FROM annals.threat_blocks WHERE tenant = $1 AND identity = $2 RETURNING 1", tenant, identity
            )
        return row is not None
