"""The log: an `eventsourcing` application whose domain events are our DomainEvents."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError, PersistenceError
from eventsourcing.utils import get_topic
from psycopg.conninfo import conninfo_to_dict

from contracts.envelope import DomainEvent
from eventstore.errors import DuplicateEvent, StoreUnavailable, VersionConflict
from eventstore.mapper import DomainEventMapper
from eventstore.recorder import GaplessRecorder

SCHEMA = "annals"
TABLE = "stored_events"
CHANNEL = TABLE
"""The recorder notifies this channel in the transaction that appends."""
EVENT_ID_INDEX = "stored_events_event_id"

State = TypeVar("State")


class EventLog(Application[UUID]):
    """Appends events and reads them back. Synchronous, as the library is; safe from several threads.

    Of the specification's `publish_event` (2.1): the payload model validates, `append` stores for replay and
    counts (a position each), and the relay publishes to the type's topic what was stored, in order.
    """

    name = "stored"

    @classmethod
    def connect(cls, dsn: str, *, create: bool = False) -> "EventLog":
        """Open the log at a PostgreSQL DSN. `create` makes the library's table; only migrations ask for it."""
        place = conninfo_to_dict(dsn)
        return cls(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "MAPPER_TOPIC": get_topic(DomainEventMapper),
                "APPLICATION_RECORDER_TOPIC": get_topic(GaplessRecorder),
                "POSTGRES_DBNAME": str(place.get("dbname", "annals")),
                "POSTGRES_HOST": str(place.get("host", "127.0.0.1")),
                "POSTGRES_PORT": str(place.get("port", "5432")),
                "POSTGRES_USER": str(place.get("user", "postgres")),
                # The library wants one, also where the server trusts its socket.
                "POSTGRES_PASSWORD": str(place.get("password", "none")),
                "POSTGRES_SCHEMA": SCHEMA,
                "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
                "POSTGRES_PRE_PING": "y",
                "POSTGRES_POOL_SIZE": "1",
                "POSTGRES_MAX_OVERFLOW": "3",
                "POSTGRES_LOCK_TIMEOUT": "10",
                "POSTGRES_CONNECT_TIMEOUT": "10",
                "CREATE_TABLE": "y" if create else "n",
            }
        )

    def append(self, events: Sequence[DomainEvent]) -> list[DomainEvent]:
        """Store all events in one transaction, or none; each comes back with its position.

        Raises VersionConflict, DuplicateEvent, StoreUnavailable.
        """
        if not events:
            return []
        try:
            recordings = self.save(*events)
        except IntegrityError as error:
            if EVENT_ID_INDEX in str(error):
                raise DuplicateEvent(str(error).splitlines()[0]) from None
            raise VersionConflict(str(error).splitlines()[0]) from None
        except (InterfaceError, OperationalError) as error:
            raise StoreUnavailable(f"PostgreSQL does not answer: {error}") from error
        except PersistenceError as error:
            if "connection" in str(error).lower():
                raise StoreUnavailable(f"PostgreSQL does not answer: {error}") from error
            raise
        return [event.at(recording.notification.id) for event, recording in zip(events, recordings, strict=True)]

    def load(self, originator_id: UUID, project: Callable[[Iterable[DomainEvent]], State | None]) -> State | None:
        """The present state of one aggregate, or None where nothing happened to it."""
        try:
            return project(self.events.get(originator_id))  # type: ignore[arg-type]  # ours are all DomainEvents
        except (InterfaceError, OperationalError) as error:
            raise StoreUnavailable(f"PostgreSQL does not answer: {error}") from error
