"""The log: an `eventsourcing` application whose domain events are our DomainEvents."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.persistence import (
    InfrastructureFactory,
    IntegrityError,
    InterfaceError,
    OperationalError,
    PersistenceError,
)
from eventsourcing.postgres import ConnectionPool, PostgresDatastore, PostgresFactory
from eventsourcing.utils import Environment, get_topic
from psycopg.rows import DictRow, dict_row

from contracts.envelope import DomainEvent
from eventstore.errors import (
    DuplicateEventError,
    KeysChangedError,
    StoreUnavailableError,
    VersionConflictError,
    reason_of,
)
from eventstore.limited_connection import STATEMENT_LIMIT_S, LimitedConnection, check
from eventstore.mapper import DomainEventMapper, sealed
from eventstore.pool import ACQUIRE_LIMIT_S
from eventstore.recorder import GaplessRecorder, Recorded
from eventstore.stream_keys import KEYS_CHANGED, AppendingKeys

SCHEMA = "annals"
TABLE = "stored_events"
CHANNEL = TABLE
"""The recorder notifies this channel in the transaction that appends."""
EVENT_ID_INDEX = "stored_events_event_id"

_DSN = "POSTGRES_DSN"
_ADDRESS = ("DBNAME", "HOST", "PORT", "USER", "PASSWORD")
"""All of a DSN that the library itself takes."""
PATIENCE: Mapping[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
"""Nobody waits for hours on a server whose machine is gone."""
LOCK_LIMIT_S = 10.0
"""For so long an append waits for others."""
POOL_LIMIT = 4
RECONNECT_LIMIT_S = 2.0
"""A pool's delays between tries double until this much has passed; then it starts over, so that a server that was away
for long is not away for longer to us."""

State = TypeVar("State")


class EventLog(Application[UUID]):
    """Appends events and reads them back. Synchronous, as the library is; safe from several threads.

    Of the specification's `publish_event` (2.1): the payload model validates, `append` stores for replay and
    counts (a position each), and the relay publishes to the type's topic what was stored, in order.
    """

    name = "stored"

    @classmethod
    def connect(cls, dsn: str, *, create: bool = False) -> "EventLog":
        """Open the log at a PostgreSQL DSN. `create` makes the library's table; only migrations ask for it.

        Raises StoreUnavailableError.
        """
        with _said_plainly():
            return cls(
                env={
                    "PERSISTENCE_MODULE": "eventsourcing.postgres",
                    "MAPPER_TOPIC": get_topic(DomainEventMapper),
                    "APPLICATION_RECORDER_TOPIC": get_topic(GaplessRecorder),
                    _DSN: dsn,
                    # The library wants these five; `construct_factory` has the DSN take their place.
                    **{f"POSTGRES_{key}": "as the DSN says" for key in _ADDRESS},
                    "POSTGRES_SCHEMA": SCHEMA,
                    "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
                    "POSTGRES_LOCK_TIMEOUT": f"{LOCK_LIMIT_S:.0f}",
                    "CREATE_TABLE": "y" if create else "n",
                }
            )

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        """The library's, with a pool of its kind, by the whole DSN: how TLS is checked is there, and more."""
        factory = super().construct_factory(env)
        assert isinstance(factory, PostgresFactory)

        def checked(connection: psycopg.Connection[Any]) -> None:
            """What ended one has mostly ended all, and the pool waits 1, 2 and 4 s between two that it finds ended."""
            try:
                check(connection)
            except psycopg.Error:
                factory.datastore.pool.drain()
                raise

        factory.datastore.pool = ConnectionPool(
            env[_DSN],
            connection_class=LimitedConnection[DictRow],
            kwargs={"row_factory": dict_row, **PATIENCE},
            min_size=1,
            max_size=POOL_LIMIT,
            open=False,
            configure=_with_statement_limit(factory.datastore.after_connect_func()),
            check=checked,
            timeout=ACQUIRE_LIMIT_S,
            reconnect_timeout=RECONNECT_LIMIT_S,
            reconnect_failed=ConnectionPool.check,
        )
        return factory

    @property
    def datastore(self) -> PostgresDatastore:
        """The library's: it holds the pool."""
        assert isinstance(self.factory, PostgresFactory)
        return self.factory.datastore

    def ping(self, limit_s: float) -> None:
        """Ask the server for a sign of life over a connection of the pool. Raises StoreUnavailableError."""
        with _said_plainly(), self.datastore.pool.connection(limit_s) as connection:
            connection.execute("SELECT 1")

    def append(self, events: Sequence[DomainEvent]) -> list[DomainEvent]:
        """As `store`; each comes back with its position and the time when it was recorded."""
        return [event.at(*recorded) for event, recorded in zip(events, self.store(events), strict=True)]

    def store(self, events: Iterable[DomainEvent], keys: AppendingKeys | None = None) -> list[Recorded]:
        """Store all events in one transaction, or none; returns where and when. The events may be made as they are
        asked for: few are held at once, and the rest of their bytes compressed. With `keys`, those of SEALED_KINDS are
        sealed; there is one for each of their streams.

        Raises EventTooLargeError, VersionConflictError, DuplicateEventError, KeysChangedError, StoreUnavailableError.
        """
        try:
            with _said_plainly():
                assert isinstance(self.recorder, GaplessRecorder) and isinstance(self.mapper, DomainEventMapper)
                if keys is None:
                    return self.recorder.append(map(self.mapper.to_stored_event, events))
                return self.recorder.append(
                    (sealed(event, keys.keys, keys.ids, self.mapper) for event in events), keys.changes
                )
        except IntegrityError as error:
            if EVENT_ID_INDEX in str(error):
                raise DuplicateEventError(str(error).splitlines()[0]) from None
            raise VersionConflictError(str(error).splitlines()[0]) from None
        except PersistenceError as error:
            if KEYS_CHANGED in str(getattr(error.__cause__, "sqlstate", "")):
                raise KeysChangedError() from None
            if "connection" in str(error).lower():
                raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
            raise

    def load(self, originator_id: UUID, project: Callable[[Iterable[DomainEvent]], State | None]) -> State | None:
        """The present state of one aggregate, or None where nothing happened to it."""
        with _said_plainly():
            return project(self.events.get(originator_id))  # type: ignore[arg-type]  # ours are all DomainEvents


def _with_statement_limit(configure: Callable[[psycopg.Connection[Any]], None]) -> Callable[[Any], None]:
    """What is asked over a new connection besides: an append that cannot go on ends in the server, too.

    A limit that the DSN gives stays.
    """

    def configured(connection: psycopg.Connection[Any]) -> None:
        configure(connection)
        connection.execute(
            "SELECT set_config('statement_timeout', %s, false) WHERE current_setting('statement_timeout') = '0'",
            (f"{STATEMENT_LIMIT_S:.0f}s",),
        )
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{LOCK_LIMIT_S:.0f}s",))

    return configured


@contextlib.contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except (InterfaceError, OperationalError, psycopg.InterfaceError, psycopg.OperationalError) as error:
        raise StoreUnavailableError(f"PostgreSQL does not answer: {reason_of(error)}") from error
