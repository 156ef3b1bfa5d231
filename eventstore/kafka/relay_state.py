"""What the relay keeps: position, epoch, ends of partitions. Held together with the lock that makes it the one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from contracts import limits
from contracts.topics import Partition
from eventstore.kafka import published
from eventstore.kafka.records import StoredEvent
from eventstore.limited_connection import LimitedConnection
from eventstore.log import CHANNEL, PATIENCE
from eventstore.pages import page

LOCK = 0x72656C6179  # "relay"
# PostgreSQL gives up a relay that vanished with its machine after 11 s, and so its lock; the relay itself, cut off,
# gives up sooner.
SESSION = (
    "statement_timeout = '30s'",
    "tcp_keepalives_idle = 5",
    "tcp_keepalives_interval = 2",
    "tcp_keepalives_count = 3",
    "tcp_user_timeout = '11s'",
    # What the server forgets in a crash is published again; nobody waits for its disk.
    "synchronous_commit = off",
)
SILENCE_MS = 3000
CONSUMER = "relay"
"""Whose dead letters the events are that cannot be published."""
CAUSE_CHARACTERS = 2000
LETTER_BYTES = 1_000_000
"""A dead letter's record holds key and value up to this; with its headers it stays below 1 MiB."""

_BYTES = "octet_length(coalesce(key, '')) + octet_length(coalesce(value, ''))"
_EVENTS = page(
    "notification_id, topic, state, recorded_at",
    size="octet_length(state)",
    source="annals.stored_events WHERE notification_id > %s",
    order="notification_id",
    rows="%s",
    max_bytes="%s",
)
_NEW_LETTERS = page(
    "id, consumer, topic, cause, error, event_id, own_bytes AS bytes, "
    f"CASE WHEN own_bytes <= {LETTER_BYTES} THEN key END AS key, "
    f"CASE WHEN own_bytes <= {LETTER_BYTES} THEN value END AS value",
    size=_BYTES,
    source="annals.dead_letters WHERE id > %s",
    order="id",
    rows="%s",
    max_bytes="%s",
)
_RETRIED_LETTERS = page(
    "id, tenant, aggregate_id, consumer, topic, key, value, cause, error, event_id, retry_token",
    size=_BYTES,
    source="annals.dead_letters WHERE republish",
    order="id",
    rows="%s",
    max_bytes="%s",
)
# The event itself stays where it is; the letter has its position.
_SET_ASIDE = """
INSERT INTO annals.dead_letters AS l
    (tenant, aggregate_id, consumer, identity, topic, partition, "offset", headers, event_id, position, error, cause,
    head)
SELECT tenant, coalesce((SELECT d.document_id FROM annals.document_collections AS d
    WHERE d.originator_id = stored_events.originator_id), aggregate_id), %s, originator_id || '/' || event_id,
    'annals.stored_events', -1, -1, %s, event_id,
    notification_id, 'UnpublishableError', %s, (SELECT max(notification_id) FROM annals.stored_events)
FROM annals.stored_events WHERE notification_id = %s
ON CONFLICT (consumer, identity) DO UPDATE
SET attempts = l.attempts + 1, cause = excluded.cause, retry_token = NULL, republish = false,
    status = CASE WHEN l.status = 'dropped' THEN l.status ELSE 'open' END
"""
_MOVE = """
WITH moved AS (UPDATE annals.relay_state SET position = %s)
INSERT INTO annals.relay_offsets (topic, partition, next_offset)
SELECT k.* FROM pg_notify(%s, %s), unnest(%s::text[], %s::integer[], %s::bigint[]) AS k
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""
_BESIDE_EVENTS = """
SELECT EXISTS (SELECT FROM annals.dead_letters WHERE id > %s)
    OR EXISTS (SELECT FROM annals.dead_letters WHERE republish)
    OR EXISTS (SELECT FROM annals.reprocess_requests)
"""
Connection = LimitedConnection[tuple[object, ...]]


class RelayState:
    """State over the very connection that holds the lock: a relay that lost the lock cannot save.

    Methods raise psycopg.Error when the connection is gone.
    """

    def __init__(self, dsn: str) -> None:
        self.connection: Connection = LimitedConnection.connect(
            dsn, autocommit=True, tcp_user_timeout=SILENCE_MS, **PATIENCE
        )
        for setting in SESSION:
            self.connection.execute(f"SET {setting}")
        self.connection.execute(f"LISTEN {CHANNEL}")

    def close(self) -> None:
        """Give up the lock with the connection."""
        self.connection.close()

    def try_lock(self) -> bool:
        """Become the one relay, if nobody is."""
        row = self.connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        return bool(row and row[0])

    def check_lock(self) -> None:
        """Raises psycopg.Error when the connection is gone, and the lock with it."""
        self.connection.execute("SELECT 1")

    def wait(self, seconds: float) -> None:
        """Until something was appended, or at most `seconds`."""
        for _ in self.connection.notifies(timeout=seconds, stop_after=1):
            pass

    def log_id(self) -> str:
        """The log's own name."""
        row = self.connection.execute("SELECT log FROM annals.identity").fetchone()
        assert row is not None
        return str(row[0])

    def load(self) -> tuple[int, int, int, dict[Partition, int]]:
        """Position, epoch, last dead letter published, ends of partitions."""
        row = self.connection.execute("SELECT position, epoch, dead_letter_id FROM annals.relay_state").fetchone()
        assert row is not None
        ends = self.connection.execute("SELECT topic, partition, next_offset FROM annals.relay_offsets").fetchall()
        return (
            _int(row[0]),
            _int(row[1]),
            _int(row[2]),
            {(str(topic), _int(partition)): _int(end) for topic, partition, end in ends},
        )

    def save(
        self, position: int, ends: Mapping[Partition, int], unpublished: Sequence[tuple[StoredEvent, str]] = ()
    ) -> None:
        """Everything up to `position` is acknowledged; these partitions end there now, the others where they did.
        Whoever follows what is published is told.

        What could not be published, with its cause, becomes a dead letter of the relay, or is open again as one.
        """
        if not unpublished:
            self._move(position, ends)
            return
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.executemany(
                _SET_ASIDE,
                [(CONSUMER, Jsonb({}), cause[:CAUSE_CHARACTERS], event.position) for event, cause in unpublished],
            )
            self._move(position, ends)

    def _move(self, position: int, ends: Mapping[Partition, int]) -> None:
        partitions = sorted(ends)
        self.connection.execute(
            _MOVE,
            (
                position,
                published.CHANNEL,
                published.spelled(ends),
                [topic for topic, _ in partitions],
                [partition for _, partition in partitions],
                [ends[partition] for partition in partitions],
            ),
        )

    def new_epoch(self, position: int) -> int:
        """The broker lost what it had: begin again behind `position`. Returns the new epoch."""
        with self.connection.transaction():
            # Consumers leave their groups for those of a new epoch: it does not come again.
            self.connection.execute("SET LOCAL synchronous_commit = on")
            row = self.connection.execute(
                "UPDATE annals.relay_state SET position = %s, epoch = epoch + 1 RETURNING epoch", (position,)
            ).fetchone()
            self.connection.execute("DELETE FROM annals.relay_offsets")
        assert row is not None
        return _int(row[0])

    def dead_letter_published(self, letter_id: int) -> None:
        """Letters up to this one are on the dead-letter topic."""
        self.connection.execute("UPDATE annals.relay_state SET dead_letter_id = %s", (letter_id,))

    def events_after(self, position: int, limit: int) -> list[StoredEvent]:
        """The next events: at most `limit`, and at most BATCH_BYTES or a single larger one."""
        rows = self.connection.execute(_EVENTS, (position, limit, limits.BATCH_BYTES)).fetchall()
        return [_stored(row) for row in rows]

    def event_of(self, letter: Mapping[str, object]) -> StoredEvent | None:
        """The stored event that a dead letter is about."""
        row = self.connection.execute(
            "SELECT notification_id, topic, state, recorded_at FROM annals.stored_events "
            # Events of one id that two documents have are in the clear: none is since events are sealed.
            "WHERE event_id = %s AND tenant = %s ORDER BY aggregate_id <> %s LIMIT 1",
            (letter["event_id"], letter["tenant"], letter["aggregate_id"]),
        ).fetchone()
        return None if row is None else _stored(row)

    def has_others(self, letter_id: int) -> bool:
        """Whether anything waits to be published beside the next events: letters behind this one, letters that are to
        be tried again, or events that were published before."""
        row = self.connection.execute(_BESIDE_EVENTS, (letter_id,)).fetchone()
        return bool(row and row[0])

    def requested(self, limit: int) -> list[int]:
        """Positions of events that are to be published once more, in order."""
        rows = self.connection.execute(
            "SELECT position FROM annals.reprocess_requests ORDER BY position LIMIT %s", (limit,)
        ).fetchall()
        return [_int(row[0]) for row in rows]

    def request_done(self, position: int) -> None:
        """That event was published once more."""
        self.connection.execute("DELETE FROM annals.reprocess_requests WHERE position = %s", (position,))

    def letters_after(self, letter_id: int, limit: int) -> list[dict[str, object]]:
        """Dead letters not published yet, in order; large ones (see LETTER_BYTES) without key and value."""
        return self._letters(_NEW_LETTERS, (letter_id, limit, limits.BATCH_BYTES))

    def letters_to_republish(self, limit: int) -> list[dict[str, object]]:
        """Dead letters that somebody asked to try again, whole; at most BATCH_BYTES or a single larger one."""
        return self._letters(_RETRIED_LETTERS, (limit, limits.BATCH_BYTES))

    def republished(self, letter_id: int) -> None:
        """That letter went out once more. For the relay's own ones that is all there was to do."""
        self.connection.execute(
            "UPDATE annals.dead_letters SET republish = false, "
            "status = CASE WHEN consumer = %s THEN 'resolved' ELSE status END WHERE id = %s",
            (CONSUMER, letter_id),
        )

    def not_republished(self, letter_id: int, cause: str) -> None:
        """That letter cannot go out once more: it is open again, with this cause."""
        self.connection.execute(
            "UPDATE annals.dead_letters SET republish = false, status = 'open', attempts = attempts + 1, cause = %s "
            "WHERE id = %s AND status = 'retrying'",
            (cause[:CAUSE_CHARACTERS], letter_id),
        )

    def _letters(self, query: str, parameters: tuple[object, ...]) -> list[dict[str, object]]:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()


def _stored(row: Sequence[object]) -> StoredEvent:
    position, topic, state, recorded_at = row
    assert isinstance(recorded_at, datetime)
    return StoredEvent(_int(position), str(topic), _bytes(state), recorded_at)


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes | memoryview)
    return bytes(value)
