"""The library's PostgreSQL recorder, which appends through a function of ours (migration 0024)."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor
from psycopg.rows import DictRow

from contracts.batches import batches

STATEMENT_BYTES = 1024 * 1024
APPEND = b"SELECT * FROM annals.append_events(%s)"


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

    def append(self, stored_events: Iterable[StoredEvent]) -> list[Recorded]:
        """Store events, which may be made as they are asked for, in one transaction. Tried once: the library would try
        ten times, each as long as a silent server is waited for.

        Many large events go in several statements: psycopg spells a statement's events as one value, several times as
        large. All are made before the first statement locks the table, and until their turn comes they are compressed.
        """
        made = batches(stored_events, lambda event: len(event.state), max_bytes=STATEMENT_BYTES)
        first, second = next(made, None), next(made, None)
        if first is None:
            return []
        if second is None:
            with self.datastore.get_connection() as connection, connection.cursor() as cursor:
                return self._append(cursor, first)
        waiting = [[_compressed(event) for event in batch] for batch in chain((first, second), made)]
        with self.datastore.get_connection() as connection, connection.transaction(), connection.cursor() as cursor:
            return [recorded for batch in waiting for recorded in self._append(cursor, map(_decompressed, batch))]

    def _append(self, cursor: Cursor[DictRow], events: Iterable[StoredEvent]) -> list[Recorded]:
        rows = [
            self.construct_pg_stored_event(event.originator_id, event.originator_version, event.topic, event.state)
            for event in events
        ]
        cursor.execute(APPEND, (rows,), prepare=True)
        return [Recorded(row["position"], row["recorded_at"]) for row in cursor.fetchall()]


def _compressed(event: StoredEvent) -> StoredEvent:
    return StoredEvent(event.originator_id, event.originator_version, event.topic, zlib.compress(event.state, 1))


def _decompressed(event: StoredEvent) -> StoredEvent:
    return StoredEvent(event.originator_id, event.originator_version, event.topic, zlib.decompress(event.state))
