"""How much of a measure is taken, in PostgreSQL: GCRA, the leaky bucket of ITU-T I.371, for many at once."""

from dataclasses import dataclass

from eventstore.pool import Connection, PostgresPool, acquire, take_turn, transaction


@dataclass(frozen=True, slots=True)
class Measure:
    """`per_s` seconds at most, of which each time takes `step_s`; they come back as time passes."""

    tenant: str
    subject: str
    step_s: float
    per_s: float


@dataclass(frozen=True, slots=True)
class Taken:
    """`used_s`: how much of the measure is used up, with what was taken where it was `allowed`."""

    allowed: bool
    used_s: float


TAKE = "limits.take_each($2, $3, $4, $5, $6, $7, version.number, version.position)"
"""Tenants, subjects, steps, measures, and the version that each is taken at (NULL for any), as arrays; then the
present version. Rows (number, allowed, used_s) in their order; NULL where the version is another one."""

# A function, so that each row is locked, measured and counted by itself, whatever the snapshot of the statement.
_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS limits;
CREATE UNLOGGED TABLE IF NOT EXISTS limits.taken (
    tenant text, subject text, until double precision NOT NULL, PRIMARY KEY (tenant, subject));
CREATE OR REPLACE FUNCTION limits.take_each(
    tenants text[], subjects text[], steps float8[], measures float8[], numbers bigint[], positions bigint[],
    present_number bigint, present_position bigint)
RETURNS TABLE (number int, allowed boolean, used_s float8) LANGUAGE plpgsql VOLATILE ROWS 10 AS $$
DECLARE
    ends float8;
BEGIN
    FOR n IN 1 .. cardinality(tenants) LOOP
        number := n;
        allowed := NULL;
        used_s := NULL;
        IF numbers[n] IS NULL OR (numbers[n] = present_number AND positions[n] = present_position) THEN
            INSERT INTO limits.taken AS t (tenant, subject, until)
            VALUES (tenants[n], subjects[n], extract(epoch FROM clock_timestamp()) + steps[n])
            ON CONFLICT (tenant, subject) DO UPDATE
            SET until = greatest(t.until, extract(epoch FROM clock_timestamp())) + steps[n]
            WHERE greatest(t.until, extract(epoch FROM clock_timestamp())) + steps[n]
                <= extract(epoch FROM clock_timestamp()) + measures[n]
            RETURNING t.until INTO ends;
            allowed := FOUND;
            IF NOT FOUND THEN
                SELECT t.until INTO ends FROM limits.taken AS t WHERE t.tenant = tenants[n] AND t.subject = subjects[n];
            END IF;
            used_s := ends - extract(epoch FROM clock_timestamp());
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
"""


# A row that has run out says no more than none does.
_RUN_OUT = "until < extract(epoch FROM clock_timestamp()) - $1"


async def count_run_out(pool: PostgresPool, since_s: float) -> int:
    """How many ran out so long ago. Raises StoreUnavailableError."""
    async with acquire(pool) as connection:
        if not await _are_there(connection):
            return 0
        return int(await connection.fetchval(f"SELECT count(*) FROM limits.taken WHERE {_RUN_OUT}", since_s))


async def forget_run_out(pool: PostgresPool, most: int) -> int:
    """Remove so many of those that have run out, and say how many were. Raises StoreUnavailableError."""
    async with acquire(pool) as connection:
        if not await _are_there(connection):
            return 0
        # Whoever takes from several locks their rows one after the other: this waits for none of them.
        rows = await connection.fetch(
            "DELETE FROM limits.taken WHERE ctid = ANY(ARRAY("
            f"SELECT ctid FROM limits.taken WHERE {_RUN_OUT} LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1",
            0.0,
            most,
        )
    return len(rows)


async def _are_there(connection: Connection) -> bool:
    """Not where limits are counted in Redis."""
    return bool(await connection.fetchval("SELECT to_regclass('limits.taken') IS NOT NULL"))


async def open_measures(pool: PostgresPool) -> None:
    """Make what is not there. Unlogged: after a crash everybody starts with a full measure."""
    async with transaction(pool) as connection:
        await take_turn(connection, "limits")
        await connection.execute(_SCHEMA)
