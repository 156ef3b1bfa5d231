"""How far consumers are behind the log, in events and in seconds, for whoever watches."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg

from contracts.topics import Partition
from eventstore.errors import StoreUnavailableError
from eventstore.limited_connection import LimitedConnection
from eventstore.positions import low_watermark

RELAY = "relay"
CONNECT_LIMIT_S = 3
STATEMENT_LIMIT_S = 5
ANSWER_LIMIT_S = 6.0

_HEAD = "SELECT coalesce(max(notification_id), 0) FROM annals.stored_events"
_POSITIONS = "SELECT consumer, topic, partition, position FROM annals.consumer_positions WHERE consumer = ANY(%s)"
_RELAY = "SELECT position FROM annals.relay_state"
_NEXT = """
SELECT recorded_at FROM annals.stored_events
WHERE notification_id > %s ORDER BY notification_id LIMIT 1
"""


class LagReader:
    """`followed`: the partitions of each consumer. The relay is told with them, under the name RELAY."""

    def __init__(self, dsn: str, followed: Mapping[str, Collection[Partition]]) -> None:
        self._dsn = dsn
        self._followed = followed

    def read(self) -> dict[str, tuple[int, float]]:
        """(events, seconds): those of the log behind the position, and the age of the first one. Blocks for seconds at
        most. Raises StoreUnavailableError."""
        try:
            with self._connect() as connection:
                connection.answer_limit_s = ANSWER_LIMIT_S
                connection.execute(f"SET statement_timeout = '{STATEMENT_LIMIT_S}s'")
                # Positions first: the head, read later, is never below them.
                positions = {**self._positions(connection), RELAY: _number(connection.execute(_RELAY).fetchone())}
                head = _number(connection.execute(_HEAD).fetchone())
                ages = {position: _age_s(connection, position) for position in set(positions.values())}
        except psycopg.Error as error:
            raise StoreUnavailableError(f"cannot read how far consumers are: {error}") from error
        return {name: (max(0, head - position), ages[position]) for name, position in positions.items()}

    def _connect(self) -> LimitedConnection[Any]:
        return LimitedConnection.connect(self._dsn, autocommit=True, connect_timeout=CONNECT_LIMIT_S)

    def _positions(self, connection: "psycopg.Connection[Any]") -> dict[str, int]:
        rows = connection.execute(_POSITIONS, (list(self._followed),)).fetchall()
        found: dict[str, dict[Partition, int]] = defaultdict(dict)
        for consumer, topic, partition, position in rows:
            found[consumer][(topic, partition)] = position
        return {name: low_watermark(found[name], partitions) for name, partitions in self._followed.items()}


def _age_s(connection: "psycopg.Connection[Any]", position: int) -> float:
    """Seconds since the first event behind `position` was recorded; 0 where there is none."""
    row = connection.execute(_NEXT, (position,)).fetchone()
    return max(0.0, (datetime.now(UTC) - row[0]).total_seconds()) if row else 0.0


def _number(row: Any) -> int:
    return int(row[0]) if row else 0
