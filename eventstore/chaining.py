"""Events that were stored before the log had a chain are chained, in bounded steps, before anything else starts."""

import logging

import asyncpg

from eventstore.pool import in_transaction

log = logging.getLogger(__name__)

STEP_EVENTS = 2000
STEP_LIMIT_S = 300.0
WHOLE_LIMIT_S = 3600.0
"""For what looks at all events at once: a log that is too large for it could never be brought to today's schema."""
_IS_DONE = """
SELECT attnotnull FROM pg_attribute WHERE attrelid = 'annals.stored_events'::regclass AND attname = 'hash'
"""
_CHAINED_TO = "SELECT coalesce(max(notification_id), 0) FROM annals.stored_events WHERE hash IS NOT NULL"
_WHOLE = """
ALTER TABLE annals.stored_events
    ALTER COLUMN recorded_at SET NOT NULL, ALTER COLUMN follows SET NOT NULL, ALTER COLUMN hash SET NOT NULL
"""


async def is_chained(connection: asyncpg.Connection) -> bool:
    """Whether all events are chained, and those to come are."""
    return bool(await connection.fetchval(_IS_DONE))


async def chain_existing(connection: asyncpg.Connection) -> None:
    """Chain what is not chained yet, from where it was broken off. Appending goes on meanwhile."""
    if await is_chained(connection):
        return
    behind = int(await connection.fetchval(_CHAINED_TO, timeout=WHOLE_LIMIT_S))
    head = int(await connection.fetchval("SELECT coalesce(max(notification_id), 0) FROM annals.stored_events"))
    if behind < head:
        log.warning(
            "the log's events are chained now, up to position %d; what they say of their own time, made to rise with "
            "their positions, becomes the time when they were recorded",
            head,
        )
    while head - behind > STEP_EVENTS:
        behind = await _step(connection, behind)
    async with in_transaction(connection):
        await connection.execute("LOCK TABLE annals.stored_events IN EXCLUSIVE MODE")
        while (last := await _next(connection, behind)) is not None:
            behind = last
        await connection.execute(_WHOLE, timeout=WHOLE_LIMIT_S)


async def _step(connection: asyncpg.Connection, behind: int) -> int:
    last = await _next(connection, behind)
    assert last is not None, "the head is behind it"
    log.info("chained up to position %d", last)
    return last


async def _next(connection: asyncpg.Connection, behind: int) -> int | None:
    last: int | None = await connection.fetchval(
        "SELECT annals.chain_events($1, $2)", behind, STEP_EVENTS, timeout=STEP_LIMIT_S
    )
    return last
