"""The library's PostgreSQL recorder, which appends through a function of ours (migration 0042)."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8

from contracts.batches import batches
from eventstore.columns import byteas, int8s, texts, uuids
from eventstore.mapper import SealedEvent
from eventstore.sealed_events import StreamKey

STATEMENT_BYTES = 1024 * 1024
APPEND = (
    b"SELECT * FROM annals.append_events(%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b::boolean, %b, %b, %b, %s::jsonb)"
)
"""Arrays in binary form: as text each byte of an event would be two characters, and looked at several times."""
_NOTHING = (None,) * 11


class Recorded(NamedTuple):
    """Where in the log an event is, and when it came there."""

    position: int
    recorded_at: datetime


class GaplessRecorder(PostgresApplicationRecorder):
    """Appends through one database function, which is twice as fast as the library's pipelined statements.

    The library's own such function (9.5.6) does not lock the table, so a transaction that commits late can fill in
    positions behind a reader. Ours takes the lock that the library's other path takes: positions become visible in
    their order, and the relay never passes over one. The library's is not even made.
    """

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        del self.sql_create_statements[self.create_insert_function_statement_index]

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """As the library's."""
        return [recorded.position for recorded in self.append(stored_events)]

    def append(self, stored_events: Iterable[StoredEvent], changes: int = 0) -> list[Recorded]:
        """Store events, which may be made as they are asked for, in one transaction. Tried once: the library would try
        ten times, each as long as a silent server is waited for. `changes`: of the master key, as AppendingKeys has it.

        Many large events go in several statements, each of which psycopg makes as one piece of memory. All are made
        before the first statement locks the table, and until their turn comes they are compressed.
        """
        made = batches(stored_events, lambda event: len(event.state), max_bytes=STATEMENT_BYTES)
        first, second = next(made, None), next(made, None)
        if first is None:
            return []
        if second is None:
            with self.datastore.get_connection() as connection, connection.cursor() as cursor:
                return self._append(cursor, first, changes, set())
        told: set[str] = set()
        waiting = [[_compressed(event) for event in batch] for batch in chain((first, second), made)]
        with self.datastore.get_connection() as connection, connection.transaction(), connection.cursor() as cursor:
            return [
                recorded
                for batch in waiting
                for recorded in self._append(cursor, [_decompressed(event) for event in batch], changes, told)
            ]

    def _append(
        self, cursor: Cursor[DictRow], events: Sequence[StoredEvent], changes: int, told: set[str]
    ) -> list[Recorded]:
        """`told`: the new keys that are stored by now."""
        own = (
            uuids([event.originator_id for event in events]),
            int8s([event.originator_version for event in events]),
            texts([event.topic for event in events]),
            byteas([event.state for event in events]),
        )
        cursor.execute(APPEND, own + _beside(events, changes, told), prepare=True)
        return [Recorded(row["position"], row["recorded_at"]) for row in cursor.fetchall()]


def _beside(events: Sequence[StoredEvent], changes: int, told: set[str]) -> tuple[object, ...]:
    """What `annals.append_events` is told of sealed events: columns of as many values as there are events, or None."""
    sealed = [event if isinstance(event, SealedEvent) else None for event in events]
    if not any(sealed):
        return _NOTHING
    new: list[StreamKey | None] = []
    used = list[str]()
    again = False
    for event in sealed:
        key = None if event is None or event.key.key_id in told else event.key
        if key is not None:
            told.add(key.key_id)
            if key.wrapped is None:
                used.append(key.key_id)
                key = None
        new.append(key)
        # An aggregate that has events already may have an older key.
        again = again or (key is not None and event is not None and event.originator_version > 1)
    return (
        texts([None if event is None else event.tenant for event in sealed]),
        *_new_keys(new, changes),
        texts(used) if used else None,
        again,
        *_documents(sealed),
        Jsonb(questions) if (questions := [one for event in sealed if event for one in event.questions]) else None,
    )


def _new_keys(keys: Sequence[StreamKey | None], changes: int) -> tuple[object, ...]:
    if not any(keys):
        return None, None, None, None
    wrapped = [None if key is None else key.wrapped for key in keys]
    return (
        texts([None if key is None else key.key_id for key in keys]),
        texts([None if one is None else one.master for one in wrapped]),
        byteas([None if one is None else one.data for one in wrapped]),
        Int8(changes),
    )


def _documents(events: Sequence[SealedEvent | None]) -> tuple[object, ...]:
    """Of several of one stream the last one counts."""
    last = {event.originator_id: event.document for event in events if event is not None and event.document is not None}
    if not last:
        return None, None, None
    found = [
        None if event is None or event.document is None else last.pop(event.originator_id, None) for event in events
    ]
    return (
        texts([None if one is None else one.document_id for one in found]),
        texts([None if one is None else one.collection for one in found]),
        texts([None if one is None else one.file for one in found]),
    )


def _compressed(event: StoredEvent) -> StoredEvent:
    return replace(event, state=zlib.compress(event.state, 1))


def _decompressed(event: StoredEvent) -> StoredEvent:
    return replace(event, state=zlib.decompress(event.state))
