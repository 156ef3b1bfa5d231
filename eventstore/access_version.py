"""One small value that changes whenever anybody's access may have changed: caches of identities fall with it."""

import asyncio
from collections.abc import Collection

import asyncpg

from contracts.event_types import ACCESS_TYPES, EventType
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.pool import AWAY, Connection

Version = tuple[int, int]
"""Number of the changes of credentials, and position of the last event about accounts, roles or policies."""

LIMIT_S = 5.0

_VERSION = """
SELECT number, coalesce((
    SELECT max(position) FROM unnest($1::text[]) AS types (topic), LATERAL (
        SELECT e.notification_id AS position FROM annals.stored_events AS e
        WHERE e.topic = types.topic ORDER BY e.notification_id DESC LIMIT 1) AS last), 0)
FROM annals.access_changes
"""


async def count_change(connection: Connection) -> None:
    """To be called in the transaction after which a credential counts no more."""
    await connection.execute("UPDATE annals.access_changes SET number = number + 1")


class AccessVersion:
    """Asks over a connection of its own: it is asked at every request, and a pool's connections cost a second question.

    All that ask while an answer is awaited share the next one, so many requests at once cost few questions.
    """

    def __init__(self, dsn: str, event_types: Collection[EventType] = ACCESS_TYPES) -> None:
        self._dsn = dsn
        self._types = sorted(map(str, event_types))
        self.latest: Version | None = None
        """What was answered last."""
        self._connection: asyncpg.Connection | None = None
        self._asked: asyncio.Future[Version] | None = None
        self._next: asyncio.Future[Version] | None = None

    async def current(self) -> Version:
        """As the database has it at a time after the call. Raises StoreUnavailableError."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._after(self._asked))
            self._next.add_done_callback(_seen)
        return await asyncio.shield(self._next)

    async def close(self) -> None:
        """End the connection."""
        for waiting in (self._next, self._asked):
            if waiting is not None:
                waiting.cancel()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _after(self, before: asyncio.Future[Version] | None) -> Version:
        if before is not None:
            await asyncio.wait({before})
        # Whoever comes from now on needs a later answer.
        self._asked, self._next = self._next, None
        return await self._ask()

    async def _ask(self) -> Version:
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._dsn, timeout=LIMIT_S, command_timeout=LIMIT_S)
            row = await self._connection.fetchrow(_VERSION, self._types)
        except AWAY as error:
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
        assert row is not None
        self.latest = row[0], row[1]
        return self.latest


def _seen(answer: asyncio.Future[Version]) -> None:
    """Whoever asked may have been cancelled meanwhile."""
    if not answer.cancelled():
        answer.exception()
