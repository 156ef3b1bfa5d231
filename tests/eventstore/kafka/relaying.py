"""What tests of the relay share: events, a relay at work, who holds its lock, and what came out."""

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg
from confluent_kafka import Consumer, Message, TopicPartition

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.topics import topics
from eventstore.kafka.progress import RelayProgressReader
from eventstore.kafka.relay import Relay
from eventstore.kafka.relay_state import LOCK

TOPIC = "annals.documents"


def events(count: int, prefix: str = "d") -> list[DomainEvent]:
    cause = Cause(metadata=EventMetadata(), correlation_id="c")
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    return [documents.ingest(None, f"{prefix}{number}", content, cause)[0] for number in range(count)]


@contextlib.contextmanager
def relaying(dsn: str, address: str, overall_low_watermark: int = 0) -> Iterator[threading.Thread]:
    stop = threading.Event()
    relay = Relay(dsn, {"bootstrap.servers": address}, topics(), lambda: overall_low_watermark, lambda: None, list)
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(45)
    assert not thread.is_alive()


def wait_for_position(dsn: str, position: int, epoch: int = 1, limit_s: float = 60) -> None:
    reader, end = RelayProgressReader(dsn), time.monotonic() + limit_s
    while (progress := reader.read()).position < position or progress.epoch < epoch:
        assert time.monotonic() < end, progress
        time.sleep(0.05)
    reader.close()


def consume(address: str, count: int, limit_s: float = 20, topic: str = TOPIC) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(topics().events[0].partitions)])
    found: list[Message] = []
    end = time.monotonic() + limit_s
    while len(found) < count and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return found


def lock_holder(dsn: str) -> tuple[int, str] | None:
    """Process id of the connection that holds the lock, and the name of its application; None while nobody does."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        return connection.execute(
            "SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' AND granted AND ((classid::bigint << 32) | objid::bigint) = %s "
            "AND datname = current_database()",
            (LOCK,),
        ).fetchone()


def idle_s(dsn: str) -> float:
    """For how long the connection that holds the lock has not been asked anything."""
    holder = lock_holder(dsn)
    assert holder is not None
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM clock_timestamp() - state_change)::float8 FROM pg_stat_activity "
            "WHERE pid = %s AND state = 'idle'",
            (holder[0],),
        ).fetchone()
    return 0.0 if row is None else float(row[0])


def lose_lock(dsn: str) -> int:
    """End the connection that holds the lock; returns its process id."""
    holder = lock_holder(dsn)
    assert holder is not None
    with psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", (holder[0],))
    return holder[0]
