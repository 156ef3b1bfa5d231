"""Rows of stored events as events: opened where they are sealed, told apart where they were erased."""

import asyncio
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from contracts.brief_event import BriefEvent
from contracts.envelope import DomainEvent
from contracts.erased import Erased, erased_event
from contracts.unvalidated import decode_brief, decode_fields
from eventstore.pages import page
from eventstore.pool import PostgresPool, acquire
from eventstore.sealed_events import fields_of, key_of, keys_in, opened, stream_of
from eventstore.stream_keys import StreamKeys
from security.errors import UnknownKeyError

AGGREGATES_A_TURN = 5
"""That are read, or folded, before the loop has a turn: who loads what came before goes on meanwhile, step by step."""
_NO_IDS: Mapping[UUID, str] = {}
_Secrets = Mapping[str, bytes | None]


def event_page(where: str, *, rows: str, max_bytes: str, order: str = "notification_id") -> str:
    """The query of a page of events that meet a condition (`eventstore.pages`), for `EventRows`."""
    return page(
        "originator_version, notification_id, recorded_at, state",
        size="octet_length(state)",
        source=f"annals.stored_events WHERE {where}",
        order=order,
        rows=rows,
        max_bytes=max_bytes,
    )


class EventRows:
    """Every method raises NewerSchemaError for what only a newer Annals reads, MasterKeyError, UnknownKeyError,
    DecryptionError where sealed events cannot be opened, and StoreUnavailableError when the database is away.
    """

    def __init__(self, pool: PostgresPool, keys: StreamKeys | None = None) -> None:
        """`keys` open events that are sealed."""
        self._pool, self._keys = pool, keys

    async def fetch(self, query: str, *arguments: object) -> list[DomainEvent]:
        """What a query finds, without what was erased."""
        return not_erased(await self.read(query, *arguments))

    async def read(
        self,
        query: str,
        *arguments: object,
        ids: Mapping[UUID, str] = _NO_IDS,
        remembered: bool = False,
    ) -> list[DomainEvent]:
        """What a query finds: the columns `notification_id`, `recorded_at` and `state`.

        `ids`: those of aggregates, by stream, which erased events do not know. `remembered`: as for StreamKeys.
        """
        async with acquire(self._pool) as connection:
            rows = await connection.fetch(query, *arguments)
        return await self._opened(rows, ids, remembered=remembered)

    async def page(
        self, query: str, arguments: list[Any], behind: int, column: str = "notification_id"
    ) -> list[DomainEvent]:
        """What an `event_page` finds; where all of it was erased, the next page.

        `behind` is the number of the argument behind which it begins, a value of `column`.
        """
        while True:
            async with acquire(self._pool) as connection:
                rows = await connection.fetch(query, *arguments)
            found = not_erased(await self._opened(rows))
            if found or not rows:
                return found
            arguments[behind] = rows[-1][column]

    async def _opened(
        self, rows: Sequence[asyncpg.Record], ids: Mapping[UUID, str] = _NO_IDS, *, remembered: bool = False
    ) -> list[DomainEvent]:
        """The events of these rows, in their order."""
        read, secrets = await self._read_fields(rows, remembered=remembered)
        return [_event(row, fields, secrets, ids) for row, fields in zip(rows, read, strict=True)]

    async def histories(self, streams: Sequence[Sequence[asyncpg.Record]]) -> list[list[BriefEvent]]:
        """What is left of each; those of which nothing is are left out."""
        read, secrets = await self._read_fields([row for stream in streams for row in stream])
        fields = iter(read)
        found: list[list[BriefEvent]] = []
        for number, stream in enumerate(streams):
            if left := _history(stream, itertools.islice(fields, len(stream)), secrets):
                found.append(left)
            if number % AGGREGATES_A_TURN == 0:
                await asyncio.sleep(0)
        return found

    async def _read_fields(
        self, rows: Sequence[asyncpg.Record], *, remembered: bool = False
    ) -> tuple[list[Any], _Secrets]:
        """Of each row its JSON as it is stored, and what opens those that are sealed."""
        read = [None if row["state"] is None else fields_of(row["state"]) for row in rows]
        wanted = keys_in(read)
        if wanted and self._keys is None:
            raise UnknownKeyError()
        secrets: _Secrets = {}
        if wanted and self._keys is not None:
            secrets = await self._keys.for_reading(wanted, remembered=remembered)
        return read, secrets


def not_erased(events: Iterable[DomainEvent]) -> list[DomainEvent]:
    """Those of which something is left."""
    return [event for event in events if not isinstance(event.event_data, Erased)]


def _event(row: asyncpg.Record, fields: Any, secrets: _Secrets, ids: Mapping[UUID, str]) -> DomainEvent:
    position, recorded_at = row["notification_id"], row["recorded_at"]
    key = key_of(fields)
    if key is None:
        return decode_fields(fields, row["state"], position=position, recorded_at=recorded_at)
    secret = secrets[key]
    if secret is None:
        return erased_event(fields, ids.get(stream_of(fields), fields["aggregate_id"]), position)
    return decode_fields(opened(fields, secret), position=position, recorded_at=recorded_at)


def _history(stream: Sequence[asyncpg.Record], read: Iterable[Any], secrets: _Secrets) -> list[BriefEvent]:
    """What is left of an aggregate's events."""
    left: list[BriefEvent] = []
    for row, fields in zip(stream, read, strict=True):
        if row["state"] is not None:
            if (event := _brief(row, fields, secrets)) is not None:
                left.append(event)
        elif left:
            version, position = row["originator_version"], row["notification_id"]
            left.append(left[0]._replace(aggregate_version=version, event_data=None, position=position))
    return left


def _brief(row: asyncpg.Record, fields: Any, secrets: _Secrets) -> BriefEvent | None:
    """None where it was erased."""
    key = key_of(fields)
    if key is None:
        return decode_brief(fields, row["state"], position=row["notification_id"])
    secret = secrets[key]
    return None if secret is None else decode_brief(opened(fields, secret), position=row["notification_id"])
