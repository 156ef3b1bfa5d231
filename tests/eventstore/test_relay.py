"""The relay on the real servers: order, headers, one at a time, and a broker that forgot everything."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.codec import canonical, encode
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.topics import topics
from eventstore.log import EventLog
from eventstore.marks import RelayMarks
from eventstore.relay import Relay
from eventstore.relay_state import LOCK
from tests.conftest import BrokerServer

TOPIC = "annals.documents"


def events(count: int, prefix: str = "d") -> list[DomainEvent]:
    cause = Cause(metadata=EventMetadata(), correlation_id="c")
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    return [documents.ingest(None, f"{prefix}{number}", content, cause)[0] for number in range(count)]


@contextlib.contextmanager
def relaying(dsn: str, address: str, lowest_needed: int = 0) -> Iterator[threading.Thread]:
    stop = threading.Event()
    relay = Relay(dsn, {"bootstrap.servers": address}, topics(), lambda: lowest_needed)
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(45)
    assert not thread.is_alive()


def wait_for_position(dsn: str, position: int, epoch: int = 1, limit_s: float = 60) -> None:
    marks, end = RelayMarks(dsn), time.monotonic() + limit_s
    while (mark := marks.read()).position < position or mark.epoch < epoch:
        assert time.monotonic() < end, mark
        time.sleep(0.05)
    marks.close()


def consume(address: str, count: int, limit_s: float = 20) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(topics().events[0].partitions)])
    found: list[Message] = []
    end = time.monotonic() + limit_s
    while len(found) < count and time.monotonic() < end:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            found.append(message)
    consumer.close()
    return found


def test_what_was_stored_is_published_with_its_headers(dsn: str, broker: BrokerServer) -> None:
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        stored = log.append(events(3))
        wait_for_position(dsn, stored[-1].position or 0)
        messages = {(message.key() or b"").decode(): message for message in consume(broker.address, 3)}

    for event in stored:
        message = messages[event.aggregate_id]
        assert message.value() == encode(event)
        headers = dict(message.headers() or [])
        assert headers["event_id"] == str(event.event_id).encode()
        assert headers["event_type"] == b"DocumentIngested"
        assert headers["correlation_id"] == b"c"
        assert headers["causation_id"] == b""
        assert headers["position"] == str(event.position).encode()
        assert headers["version"] == b"1"


def test_an_older_shape_goes_out_as_todays(dsn: str, broker: BrokerServer) -> None:
    with EventLog.connect(dsn) as log:
        (stored,) = log.append(events(1))
        older = json.loads(encode(stored)) | {"schema_version": 1, "position": None}
        older["event_data"] |= older["event_data"].pop("text")
        with psycopg.connect(dsn, autocommit=True) as admin:
            admin.execute("UPDATE annals.stored_events SET state = %s", (canonical(older),))
        with relaying(dsn, broker.address):
            wait_for_position(dsn, stored.position or 0)
            (message,) = consume(broker.address, 1)

    assert message.value() == encode(stored)


def test_a_broker_that_forgot_everything_is_filled_from_the_lowest_position_needed(
    dsn: str, broker: BrokerServer
) -> None:
    with EventLog.connect(dsn) as log:
        stored = log.append(events(50))
        needed = stored[19].position or 0
        with relaying(dsn, broker.address, lowest_needed=needed):
            wait_for_position(dsn, stored[-1].position or 0)
            broker.kill()
            broker.start()
            more = log.append(events(5, "late"))
            wait_for_position(dsn, more[-1].position or 0, epoch=2)
            messages = consume(broker.address, 35)

    positions = sorted(int(dict(message.headers() or [])["position"]) for message in messages)
    assert positions == [event.position for event in [*stored[20:], *more]]


def test_an_idle_relay_notices_the_loss_too(dsn: str, broker: BrokerServer) -> None:
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        stored = log.append(events(10))
        wait_for_position(dsn, stored[-1].position or 0)
        broker.kill()
        broker.start()
        wait_for_position(dsn, stored[-1].position or 0, epoch=2)
        assert len(consume(broker.address, 10)) == 10


def test_a_second_relay_takes_over_when_the_first_loses_its_lock(dsn: str, broker: BrokerServer) -> None:
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address), relaying(dsn, broker.address):
        first = log.append(events(5))
        wait_for_position(dsn, first[-1].position or 0)
        with psycopg.connect(dsn, autocommit=True) as admin:
            holders = admin.execute(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND "
                "((classid::bigint << 32) | objid::bigint) = %s",
                (LOCK,),
            ).fetchall()
            assert len(holders) == 1
            admin.execute("SELECT pg_terminate_backend(%s)", holders[0])
        second = log.append(events(5, "late"))
        wait_for_position(dsn, second[-1].position or 0, limit_s=10)
        assert len(consume(broker.address, 10)) >= 10


@pytest.mark.parametrize("size", [8_000_000])
def test_a_large_event_passes(dsn: str, broker: BrokerServer, size: int) -> None:
    (event,) = events(1)
    large = event.model_copy(
        update={"event_data": event.event_data.model_copy(update={"attributes": {"a": "x" * size}})}
    )
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        (stored,) = log.append([large])
        wait_for_position(dsn, stored.position or 0)
