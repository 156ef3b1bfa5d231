"""One small value that changes whenever anybody's access may have changed: caches of identities fall with it."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import asyncpg

from contracts.event_types import ACCESS_TYPES, EventType
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.measures import TAKE, Measure, Taken
from eventstore.pool import AWAY, Connection

Version = tuple[int, int]
"""Number of the changes of credentials, and position of the last event about accounts, roles or policies."""

LIMIT_S = 5.0
AT_ONCE = 500
"""Of those that ask, how many share one statement."""

_VERSION = """
SELECT number, coalesce((
    SELECT max(position) FROM unnest($1::text[]) AS types (topic), LATERAL (
        SELECT e.notification_id AS position FROM annals.stored_events AS e
        WHERE e.topic = types.topic ORDER BY e.notification_id DESC LIMIT 1) AS last), 0) AS position
FROM annals.access_changes
"""
_VERSION_AND_TAKE = f"""
WITH version AS MATERIALIZED ({_VERSION})
SELECT version.number, version.position, taken.allowed, taken.used_s
FROM version CROSS JOIN LATERAL {TAKE} AS taken ORDER BY taken.number
"""


async def count_change(connection: Connection) -> None:
    """To be called in the transaction after which a credential counts no more."""
    await connection.execute("UPDATE annals.access_changes SET number = number + 1")


@dataclass(frozen=True, slots=True)
class _Question:
    """`at`: a measure is taken where this is still the version; where it is None, whatever the version is."""

    answer: "asyncio.Future[tuple[Version, Taken | None]]"
    measure: Measure | None = None
    at: Version | None = None


class AccessVersion:
    """Asks over a connection of its own, and takes from measures in the same round trip: both are due at every request.

    All that ask while an answer is awaited share the next statement, so many requests at once cost few.
    """

    def __init__(self, dsn: str, event_types: Collection[EventType] = ACCESS_TYPES) -> None:
        self._dsn = dsn
        self._types = sorted(map(str, event_types))
        self.latest: Version | None = None
        """What was answered last."""
        self._connection: asyncpg.Connection | None = None
        self._waiting: list[_Question] = []
        self._asking: asyncio.Task[None] | None = None

    async def current(self) -> Version:
        """As the database has it at a time after the call. Raises StoreUnavailableError."""
        version, _ = await self._asked()
        return version

    async def current_taking(self, measure: Measure, at: Version) -> tuple[Version, Taken | None]:
        """The same, and what came of taking from a measure: None, and nothing taken, where the version is not `at`."""
        return await self._asked(measure, at)

    async def take(self, measure: Measure) -> Taken:
        """Take from a measure, whoever may do what. Raises StoreUnavailableError."""
        _, taken = await self._asked(measure)
        assert taken is not None, "it was asked for whatever the version"
        return taken

    async def close(self) -> None:
        """End the connection."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _asked(self, measure: Measure | None = None, at: Version | None = None) -> tuple[Version, Taken | None]:
        question = _Question(asyncio.get_running_loop().create_future(), measure, at)
        self._waiting.append(question)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_on(), name="access version")
        return await question.answer

    async def _ask_on(self) -> None:
        """Until nobody waits."""
        asked: list[_Question] = []
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                asked = [one for one in asked if not one.answer.done()]  # who asked may have gone
                try:
                    await self._ask(asked)
                except Exception as error:  # whatever it is, it is for those who asked
                    for one in asked:
                        if not one.answer.done():
                            one.answer.set_exception(error)
        finally:
            for one in (*asked, *self._waiting):
                one.answer.cancel()
            self._waiting = []

    async def _ask(self, asked: Sequence[_Question]) -> None:
        # In one order everywhere, so that no two processes wait for each other's rows.
        taking = sorted((one for one in asked if one.measure is not None), key=_order)
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(self._dsn, timeout=LIMIT_S, command_timeout=LIMIT_S)
            if taking:
                rows = await self._connection.fetch(_VERSION_AND_TAKE, self._types, *_columns(taking))
            else:
                rows = await self._connection.fetch(_VERSION, self._types)
        except AWAY as error:
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
        version = self.latest = rows[0]["number"], rows[0]["position"]
        for one, row in zip(taking, rows, strict=False):
            if not one.answer.done():
                taken = None if row["allowed"] is None else Taken(row["allowed"], row["used_s"])
                one.answer.set_result((version, taken))
        for one in asked:
            if one.measure is None and not one.answer.done():
                one.answer.set_result((version, None))


def _order(question: _Question) -> tuple[str, str]:
    assert question.measure is not None
    return question.measure.tenant, question.measure.subject


def _columns(taking: Sequence[_Question]) -> tuple[list[object], ...]:
    """As `eventstore.measures.TAKE` takes them."""
    rows = [
        (one.measure.tenant, one.measure.subject, one.measure.step_s, one.measure.per_s, *(one.at or (None, None)))
        for one in taking
        if one.measure is not None
    ]
    return tuple(list(column) for column in zip(*rows, strict=True))
