"""The library's PostgreSQL recorder, with the lock that its insert function leaves out."""

import zlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.sql import SQL, Identifier

from contracts.batches import batches

STATEMENT_BYTES = 1024 * 1024


class GaplessRecorder(PostgresApplicationRecorder):
    """Appends through one database function, which is twice as fast as the library's pipelined statements.

    As shipped (9.5.6) that function does not lock the table, so a transaction that commits late can fill in
    positions behind a reader. Ours takes the lock that the library's other path takes: positions become visible in
    their order, and the relay never passes over one.
    """

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        self.sql_create_statements[self.create_insert_function_statement_index] = SQL(
            "CREATE OR REPLACE FUNCTION {schema}.{function}(events {schema}.{event}[]) "
            "RETURNS SETOF bigint LANGUAGE plpgsql AS $BODY$ BEGIN "
            "SET LOCAL lock_timeout = '{timeout}s'; "
            "LOCK TABLE {schema}.{table} IN EXCLUSIVE MODE; "
            "NOTIFY {channel}; "
            "RETURN QUERY INSERT INTO {schema}.{table} AS t (originator_id, originator_version, topic, state) "
            "SELECT originator_id, originator_version, topic, state FROM unnest(events) "
            "RETURNING notification_id; "
            "END; $BODY$"
        ).format(
            function=Identifier(self.pg_function_name_insert_events),
            timeout=self.datastore.lock_timeout,
            channel=Identifier(self.channel_name),
            event=Identifier(self.stored_event_type_name),
            schema=Identifier(self.datastore.schema),
            table=Identifier(self.events_table_name),
        )

    def insert_events(self, stored_events: Iterable[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """As the library's, of events that may be made as they are asked for. Many large events go in several
        statements of one transaction: psycopg spells a statement's events as one value, several times as large. All are
        made before the first statement locks the table, and until their turn comes they are compressed.
        """
        made = batches(stored_events, lambda event: len(event.state), max_bytes=STATEMENT_BYTES)
        first, second = next(made, []), next(made, None)
        if second is None:
            # Tried once: the library would try ten times, each as long as a silent server is waited for.
            once = PostgresApplicationRecorder.insert_events.__wrapped__
            whole: Sequence[int] | None = once(self, first, **kwargs)
            return whole
        waiting = [[_compressed(event) for event in batch] for batch in chain((first, second), made)]
        positions: list[int] = []
        with self.datastore.get_connection() as connection, connection.transaction(), connection.cursor() as cursor:
            for batch in waiting:
                rows = [
                    self.construct_pg_stored_event(
                        event.originator_id, event.originator_version, event.topic, zlib.decompress(event.state)
                    )
                    for event in batch
                ]
                cursor.execute(self.sql_invoke_pg_function_insert_events, (rows,), prepare=True)
                positions += [row[self.pg_function_name_insert_events] for row in cursor.fetchall()]
        return positions


def _compressed(event: StoredEvent) -> StoredEvent:
    return StoredEvent(event.originator_id, event.originator_version, event.topic, zlib.compress(event.state, 1))
