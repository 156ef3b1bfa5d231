"""The relay on the real servers: order, headers, one at a time, and a broker that forgot everything."""

import json
import signal
from collections import Counter
from collections.abc import Sequence

import psycopg
import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from contracts.codec import canonical, encode
from contracts.envelope import DomainEvent
from eventstore import mapper
from eventstore.kafka import broker_check, relay
from eventstore.kafka.ownership import PREFIX, owner_topic
from eventstore.kafka.records import StoredEvent
from eventstore.kafka.relay_state import RelayState
from eventstore.kafka.topic_admin import TopicAdmin
from eventstore.log import EventLog
from tests.annals.processes import until
from tests.conftest import BrokerServer
from tests.eventstore.kafka.relaying import consume, events, idle_s, lock_holder, lose_lock, relaying, wait_for_position


def positions_of(messages: Sequence[Message]) -> list[int]:
    """Where the events are in the log, in order."""
    return sorted(int(dict(message.headers() or [])["position"] or -1) for message in messages)


def grown(event: DomainEvent, size: int) -> DomainEvent:
    """The event, larger by so many bytes."""
    grown = event.event_data.model_copy(update={"attributes": {"a": "x" * size}})
    return event.model_copy(update={"event_data": grown})


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


def test_who_published_all_looks_for_more_when_something_is_appended(
    dsn: str, broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    events_after = RelayState.events_after

    def noted(state: RelayState, position: int, limit: int) -> list[StoredEvent]:
        looks.append(position)
        return events_after(state, position, limit)

    monkeypatch.setattr(relay, "IDLE_S", 5.0)
    monkeypatch.setattr(RelayState, "events_after", noted)
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        wait_for_position(dsn, log.append(events(1))[-1].position or 0)
        looks.clear()
        for number in range(10):
            wait_for_position(dsn, log.append(events(1, f"later{number}"))[-1].position or 0)
        # Once behind each, and a few times more where it is so busy that five seconds pass.
        assert len(looks) < 15


def test_a_broker_of_another_log_is_given_nothing_until_it_is_ours(
    dsn: str, broker: BrokerServer, caplog: pytest.LogCaptureFixture
) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    TopicAdmin({"bootstrap.servers": broker.address}).apply([owner_topic("another")])
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        (stored,) = log.append(events(1))
        assert until(lambda: "Kafka holds the topics of another log (another; this one is " in caplog.text, 10)
        assert set(admin.list_topics(timeout=5).topics) == {f"{PREFIX}another"}
        # Whoever empties it has nothing to start again.
        admin.delete_topics([f"{PREFIX}another"])[f"{PREFIX}another"].result(10)
        wait_for_position(dsn, stored.position or 0)
        # Another log that comes later is not let in, nor do we go on beside it.
        TopicAdmin({"bootstrap.servers": broker.address}).apply([owner_topic("later")])
        assert until(lambda: "Kafka holds the topics of another log (later" in caplog.text, 10)
        (late,) = log.append(events(1, "late"))
        assert len(consume(broker.address, 2, limit_s=2)) == 1
        admin.delete_topics([f"{PREFIX}later"])[f"{PREFIX}later"].result(10)
        wait_for_position(dsn, late.position or 0)


def test_an_older_schema_version_goes_out_as_todays(dsn: str, broker: BrokerServer) -> None:
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
        with relaying(dsn, broker.address, overall_low_watermark=needed):
            wait_for_position(dsn, stored[-1].position or 0)
            broker.kill()
            broker.start()
            more = log.append(events(5, "late"))
            wait_for_position(dsn, more[-1].position or 0, epoch=2)
            # One more than there may be.
            messages = consume(broker.address, 36, limit_s=5)

    assert positions_of(messages) == [event.position for event in [*stored[20:], *more]]


def test_an_idle_relay_notices_the_loss_too(dsn: str, broker: BrokerServer) -> None:
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        stored = log.append(events(10))
        wait_for_position(dsn, stored[-1].position or 0)
        broker.kill()
        broker.start()
        wait_for_position(dsn, stored[-1].position or 0, epoch=2)
        assert len(consume(broker.address, 10)) == 10


def test_a_second_relay_takes_over_when_the_first_loses_its_lock(dsn: str, broker: BrokerServer) -> None:
    """The first has nothing on its way when it loses the lock, so that every event is there exactly once."""
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address), relaying(dsn, broker.address):
        first = log.append(events(5))
        wait_for_position(dsn, first[-1].position or 0)
        lose_lock(dsn)
        second = log.append(events(5, "late"))
        wait_for_position(dsn, second[-1].position or 0, limit_s=10)
        # One more than there may be.
        found = consume(broker.address, 11, limit_s=5)
    assert positions_of(found) == [event.position for event in [*first, *second]]


def test_a_relay_that_loses_its_lock_while_it_waits_for_the_broker_sends_nothing_more(
    dsn: str, broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It notices within about two seconds. What can come twice are the requests that were on their way to the
    broker by then, five at most: the next relay cannot know that they arrived. Consumers find their own results,
    or a version that they have, and change nothing.
    """
    # Asked whether it is still what it was, the stopped broker would not answer, and nothing would be published to it.
    monkeypatch.setattr(broker_check, "CHECK_S", 3600.0)
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        first = log.append(events(5))
        wait_for_position(dsn, first[-1].position or 0)
        assert broker.process is not None
        broker.process.send_signal(signal.SIGSTOP)
        # Each is a request of its own: more than what may be on its way at once.
        second = log.append([grown(event, 90_000) for event in events(20, "late")])
        assert until(lambda: idle_s(dsn) > 0.5), "it waits for the broker: nothing is asked of PostgreSQL meanwhile"
        lost = lose_lock(dsn)
        assert until(lambda: (lock_holder(dsn) or (lost,))[0] != lost, limit_s=3.5), "it still waits for the broker"
        broker.process.send_signal(signal.SIGCONT)
        wait_for_position(dsn, second[-1].position or 0)
        found = positions_of(consume(broker.address, 46, limit_s=8))
    assert sorted(set(found)) == [event.position for event in [*first, *second]]
    twice = [position for position, times in Counter(found).items() if times > 1]
    assert len(found) - len(set(found)) == len(twice), "nothing comes three times"
    assert len(twice) < 20


@pytest.mark.parametrize("size", [8_000_000])
def test_a_large_event_of_an_older_log_passes(
    dsn: str, broker: BrokerServer, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapper, "MAX_EVENT_BYTES", 2 * size)
    with EventLog.connect(dsn) as log, relaying(dsn, broker.address):
        (stored,) = log.append([grown(event, size) for event in events(1)])
        wait_for_position(dsn, stored.position or 0)
