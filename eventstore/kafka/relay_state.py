"""What the relay keeps: position, epoch, ends of partitions. Held together with the lock that makes it the one."""

from collections.abc import Mapping

import psycopg

from contracts.topics import Partition
from eventstore.log import CHANNEL, PATIENCE

LOCK = 0x72656C6179  # "relay"
# PostgreSQL gives up a relay that vanished with its machine after 11 s, and so its lock; the relay itself, cut off,
# gives up sooner.
SESSION = (
    "statement_timeout = '30s'",
    "tcp_keepalives_idle = 5",
    "tcp_keepalives_interval = 2",
    "tcp_keepalives_count = 3",
    "tcp_user_timeout = '11s'",
)
SILENCE_MS = 3000
Connection = psycopg.Connection[tuple[object, ...]]


class RelayState:
    """State over the very connection that holds the lock: a relay that lost the lock cannot save.

    Methods raise psycopg.Error when the connection is gone.
    """

    def __init__(self, dsn: str) -> None:
        self.connection: Connection = psycopg.connect(dsn, autocommit=True, tcp_user_timeout=SILENCE_MS, **PATIENCE)
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

    def save(self, position: int, ends: Mapping[Partition, int]) -> None:
        """Everything up to `position` is acknowledged; these partitions end there now."""
        with self.connection.transaction(), self.connection.cursor() as cursor:
            cursor.execute("UPDATE annals.relay_state SET position = %s", (position,))
            cursor.executemany(
                "INSERT INTO annals.relay_offsets (topic, partition, next_offset) VALUES (%s, %s, %s) "
                "ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
                [(topic, partition, end) for (topic, partition), end in sorted(ends.items())],
            )

    def new_epoch(self, position: int) -> int:
        """The broker lost what it had: begin again behind `position`. Returns the new epoch."""
        with self.connection.transaction():
            row = self.connection.execute(
                "UPDATE annals.relay_state SET position = %s, epoch = epoch + 1 RETURNING epoch", (position,)
            ).fetchone()
            self.connection.execute("DELETE FROM annals.relay_offsets")
        assert row is not None
        return _int(row[0])

    def dead_letter_published(self, letter_id: int) -> None:
        """Letters up to this one are on the dead-letter topic."""
        self.connection.execute("UPDATE annals.relay_state SET dead_letter_id = %s", (letter_id,))

    def events_after(self, position: int, limit: int) -> list[tuple[int, str, bytes]]:
        """(position, event type, stored JSON) of the next events."""
        rows = self.connection.execute(
            "SELECT notification_id, topic, state FROM annals.stored_events "
            "WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
            (position, limit),
        ).fetchall()
        return [(_int(position), str(topic), _bytes(state)) for position, topic, state in rows]

    def event_of(self, letter: Mapping[str, object]) -> tuple[int, str, bytes] | None:
        """The stored event that a dead letter is about."""
        row = self.connection.execute(
            "SELECT notification_id, topic, state FROM annals.stored_events "
            "WHERE event_id = %s AND tenant = %s AND aggregate_id = %s",
            (letter["event_id"], letter["tenant"], letter["aggregate_id"]),
        ).fetchone()
        return None if row is None else (_int(row[0]), str(row[1]), _bytes(row[2]))

    def letters_after(self, letter_id: int, limit: int) -> list[dict[str, object]]:
        """Dead letters not published yet, in order."""
        return self._letters("id > %s ORDER BY id LIMIT %s", (letter_id, limit))

    def letters_to_republish(self, limit: int) -> list[dict[str, object]]:
        """Dead letters that somebody asked to try again."""
        return self._letters("republish ORDER BY id LIMIT %s", (limit,))

    def republished(self, letter_id: int) -> None:
        """That letter went out once more."""
        self.connection.execute("UPDATE annals.dead_letters SET republish = false WHERE id = %s", (letter_id,))

    def not_republished(self, letter_id: int, cause: str) -> None:
        """That letter cannot go out once more: it is open again, with this cause."""
        self.connection.execute(
            "UPDATE annals.dead_letters SET republish = false, status = 'open', attempts = attempts + 1, cause = %s "
            "WHERE id = %s AND status = 'retrying'",
            (cause, letter_id),
        )

    def _letters(self, where: str, parameters: tuple[object, ...]) -> list[dict[str, object]]:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            # `where` is one of the two literals above.
            cursor.execute(
                "SELECT id, tenant, aggregate_id, consumer, topic, key, value, cause, error, event_id, retry_token "
                "FROM annals.dead_letters WHERE " + where,
                parameters,
            )
            return cursor.fetchall()


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes | memoryview)
    return bytes(value)
