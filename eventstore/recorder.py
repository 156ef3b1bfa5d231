"""The library's PostgreSQL recorder, with the lock that its insert function leaves out."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.sql import SQL, Identifier

from contracts.batches import batches


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

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """As the library's. Many large events go in several statements of one transaction: psycopg spells a batch as
        one value, about three times as large, and PostgreSQL takes no value of 1 GiB.
        """
        parts = list(batches(stored_events, lambda event: len(event.state)))
        if len(parts) < 2:
            # Tried once: the library would try ten times, each as long as a silent server is waited for.
            once = PostgresApplicationRecorder.insert_events.__wrapped__
            whole: Sequence[int] | None = once(self, stored_events, **kwargs)
            return whole
        positions: list[int] = []
        with self.datastore.get_connection() as connection, connection.transaction(), connection.cursor() as cursor:
            for part in parts:
                rows = [
                    self.construct_pg_stored_event(
                        event.originator_id, event.originator_version, event.topic, event.state
                    )
                    for event in part
                ]
                cursor.execute(self.sql_invoke_pg_function_insert_events, (rows,), prepare=True)
                positions += [row[self.pg_function_name_insert_events] for row in cursor.fetchall()]
        return positions
