"""How far the relay is, for those who watch consumers: read in one statement, so its parts belong together."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg

from eventstore.errors import StoreUnavailableError
from eventstore.limited_connection import LimitedConnection

ANSWER_LIMIT_S = 6.0
_READ = """
SELECT s.position, s.epoch, o.topic, o.partition, o.next_offset
FROM annals.relay_state AS s LEFT JOIN annals.relay_offsets AS o ON true
"""


@dataclass(frozen=True, slots=True)
class RelayProgress:
    """Everything up to `position` is acknowledged by the broker; `next_offsets` are the ends of the partitions then.

    `epoch` counts how often the broker had to be filled anew: offsets of different epochs do not compare.
    """

    position: int
    epoch: int
    next_offsets: Mapping[tuple[str, int], int]


class RelayProgressReader:
    """Reads the relay's progress over a connection of its own, made anew when it broke. For one thread."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: LimitedConnection[tuple[object, ...]] | None = None

    def read(self) -> RelayProgress:
        """The present progress. Raises StoreUnavailableError."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = LimitedConnection.connect(self._dsn, autocommit=True, connect_timeout=3)
                self._connection.answer_limit_s = ANSWER_LIMIT_S
                self._connection.execute("SET statement_timeout = '5s'")
            rows = self._connection.execute(_READ).fetchall()
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailableError(f"cannot read the relay's position: {error}") from error
        if not rows:
            return RelayProgress(position=0, epoch=0, next_offsets={})
        return RelayProgress(
            position=int(str(rows[0][0])),
            epoch=int(str(rows[0][1])),
            next_offsets={
                (str(topic), int(str(partition))): int(str(end))
                for _, _, topic, partition, end in rows
                if topic is not None
            },
        )

    def close(self) -> None:
        """Drop the connection; the next read makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
