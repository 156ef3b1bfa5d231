"""The library's PostgreSQL recorder, which appends through a function of ours (migration 0039)."""

import binascii
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8

from contracts.batches import batches
from eventstore.mapper import SealedEvent
from eventstore.sealed_events import subject_of

STATEMENT_BYTES = 1024 * 1024
APPEND = b"SELECT * FROM annals.append_events(%b, %b, %b, %b, %s::jsonb)"
"""Arrays in binary form: as text each byte of an event would be two characters, and looked at several times."""


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
        sealed = [event for event in events if isinstance(event, SealedEvent)]
        columns = (
            [event.originator_id for event in events],
            [Int8(event.originator_version) for event in events],
            [event.topic for event in events],
            [event.state for event in events],
            Jsonb(beside) if sealed and (beside := _beside(sealed, changes, told)) else None,
        )
        cursor.execute(APPEND, columns, prepare=True)
        return [Recorded(row["position"], row["recorded_at"]) for row in cursor.fetchall()]


def _beside(events: Sequence[SealedEvent], changes: int, told: set[str]) -> dict[str, Any]:
    """What `annals.append_events` is told of sealed events: of what there is."""
    keys = {event.key.key_id: event for event in reversed(events)}
    new = [event for key_id, event in keys.items() if event.key.wrapped is not None and key_id not in told]
    told.update(keys)
    documents = {event.originator_id: event.document for event in events if event.document is not None}
    said = {
        "used": [key_id for key_id, event in keys.items() if event.key.wrapped is None],
        "keys": [_new_key(event) for event in new],
        # An aggregate that has events already may have an older key.
        "again": any(event.originator_version > 1 for event in new),
        "documents": list(documents.values()),
        "questions": [note for event in events for note in event.questions],
    }
    return {"changes": changes, **{name: value for name, value in said.items() if value}}


def _new_key(event: SealedEvent) -> dict[str, Any]:
    wrapped = event.key.wrapped
    assert wrapped is not None and isinstance(event.originator_id, UUID)
    return {
        "key_id": event.key.key_id,
        "tenant": event.tenant,
        "subject": subject_of(event.originator_id),
        "master": wrapped.master,
        "wrapped": binascii.b2a_base64(wrapped.data, newline=False).decode(),
    }


def _compressed(event: StoredEvent) -> StoredEvent:
    return replace(event, state=zlib.compress(event.state, 1))


def _decompressed(event: StoredEvent) -> StoredEvent:
    return replace(event, state=zlib.decompress(event.state))
