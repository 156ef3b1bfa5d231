"""What the relay cannot publish becomes a dead letter of its own, and everything else goes on."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from contracts.codec import canonical, encode
from contracts.envelope import DomainEvent
from contracts.topics import topics
from eventstore import mapper
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.kafka.message_bus import MAX_MESSAGE_BYTES
from eventstore.kafka.records import Records, StoredEvent, UnpublishableError
from eventstore.kafka.relay_state import LETTER_BYTES
from eventstore.log import EventLog
from eventstore.pool import PostgresPool, open_pool
from tests.conftest import BrokerServer
from tests.eventstore.kafka.relaying import consume, events, relaying, wait_for_position

T = TypeVar("T")
RECORDED = datetime(2026, 1, 2, tzinfo=UTC)


def larger(event: DomainEvent, size: int) -> DomainEvent:
    """The event with so many bytes of attributes."""
    grown = event.event_data.model_copy(update={"attributes": {"a": "x" * size}})
    return event.model_copy(update={"event_data": grown})


def positions_of(messages: Sequence[Message]) -> list[int]:
    """Where the events are in the log, in order."""
    return sorted(int(dict(message.headers() or [])["position"] or -1) for message in messages)


def with_letters(dsn: str, act: Callable[[DeadLetters], Coroutine[Any, Any, T]]) -> T:
    """Ask the dead letters."""

    async def run() -> T:
        pool: PostgresPool = await open_pool(dsn)
        try:
            return await act(DeadLetters(pool))
        finally:
            await pool.close()

    return asyncio.run(run())


def letters_of(dsn: str) -> list[DeadLetter]:
    """All of them, the oldest first."""
    return with_letters(dsn, lambda letters: letters.newest(None, None))[::-1]


def retried(dsn: str, letter_id: int, limit_s: float = 20) -> DeadLetter:
    """Ask for another try, and wait until it is no longer being tried."""
    with_letters(dsn, lambda letters: letters.mark_retrying(None, [letter_id]))
    end = time.monotonic() + limit_s
    while True:
        letter = with_letters(dsn, lambda letters: letters.get(None, letter_id))
        assert letter is not None
        if letter.status != "retrying":
            return letter
        assert time.monotonic() < end, letter
        time.sleep(0.1)


def test_an_event_that_no_broker_takes_is_set_aside_and_all_others_go_on(
    dsn: str, broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that an older version filled, and whose relay got no further."""
    monkeypatch.setattr(mapper, "MAX_EVENT_BYTES", 10**9)
    first, huge, last = events(2, "first"), events(2, "huge"), events(2, "last")
    with EventLog.connect(dsn) as log:
        stored = log.append([*first, *(larger(event, MAX_MESSAGE_BYTES + 1) for event in huge), *last])
        with relaying(dsn, broker.address):
            wait_for_position(dsn, stored[-1].position or 0)
            found = positions_of(consume(broker.address, 5, limit_s=5))
            assert found == [event.position for event in (*stored[:2], *stored[4:])]

            letters = letters_of(dsn)
            assert [letter.event_id for letter in letters] == [str(event.event_id) for event in huge]
            assert [letter.position for letter in letters] == [event.position for event in stored[2:4]]
            for letter in letters:
                assert (letter.consumer, letter.tenant, letter.status, letter.value) == (
                    "relay",
                    "default",
                    "open",
                    None,
                )
                assert letter.cause.startswith("Kafka does not take it (16,777,"), letter.cause
            # Another try fails again, and says so instead of being tried for ever.
            again = retried(dsn, letters[0].id or 0)
            assert (again.status, again.attempts) == ("open", 2)
            # The relay is alive.
            (more,) = log.append(events(1, "more"))
            wait_for_position(dsn, more.position or 0)


def test_a_large_dead_letter_is_published_without_what_makes_it_large(dsn: str, broker: BrokerServer) -> None:
    def letter(identity: str, value: bytes) -> DeadLetter:
        return DeadLetter("inbox", identity, "annals.inbox", 0, 1, b"key", value, "MalformedEventError", "no JSON")

    small, large = b"x" * (LETTER_BYTES - 3), b"x" * MAX_MESSAGE_BYTES
    with relaying(dsn, broker.address):
        with_letters(dsn, lambda letters: letters.add([letter("a", small), letter("b", large)]))
        consumer = Consumer(
            {"bootstrap.servers": broker.address, "group.id": "t", "fetch.message.max.bytes": 20_000_000}
        )
        consumer.assign([TopicPartition(topics().dead_letters.name, 0, 0)])
        messages: list[Message] = []
        end = time.monotonic() + 20
        while len(messages) < 2 and time.monotonic() < end:
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                messages.append(message)
        consumer.close()
    assert [(message.key(), message.value()) for message in messages] == [(b"key", small), (None, None)]
    assert [dict(message.headers() or [])["bytes"] for message in messages] == [
        str(LETTER_BYTES).encode(),
        str(len(large) + 3).encode(),
    ]
    kept = letters_of(dsn)[1]
    assert (kept.key, kept.value) == (b"key", large)


def test_an_inbox_message_is_published_again_as_it_came(dsn: str, broker: BrokerServer) -> None:
    letter = DeadLetter(
        "inbox:annals.inbox", "a", "annals.inbox", 0, 1, b"key", b"no JSON", "MalformedEventError", "no"
    )
    with relaying(dsn, broker.address):
        with_letters(dsn, lambda letters: letters.add([letter]))
        with_letters(dsn, lambda letters: letters.mark_retrying(None, None))
        consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "t"})
        inbox = next(topic for topic in topics().all if topic.name == "annals.inbox")
        consumer.assign([TopicPartition(inbox.name, number, 0) for number in range(inbox.partitions)])
        message, end = None, time.monotonic() + 20
        while message is None and time.monotonic() < end:
            message = consumer.poll(0.2)
        consumer.close()
    assert message is not None and (message.key(), message.value()) == (b"key", b"no JSON")
    assert dict(message.headers() or [])["dead_letter"] == b"1"


@pytest.mark.parametrize(
    "state", [b"", b"[]", b"{}", b'{"event_type": "DocumentIngested"}', b"not JSON", b'{"aggregate_id": 7}']
)
def test_whatever_lies_in_the_log_it_is_a_record_or_a_reason(state: bytes) -> None:
    with pytest.raises(UnpublishableError, match="the stored event cannot be read: "):
        Records(topics()).event(StoredEvent(7, "DocumentIngested", state, RECORDED), 1)


def test_a_record_is_todays_schema_with_its_position() -> None:
    (event,) = events(1)
    record = Records(topics()).event(StoredEvent(7, "DocumentIngested", encode(event), RECORDED), 3)
    assert record.value == canonical({**json.loads(encode(event)), "position": 7})
    assert (record.topic, record.key, record.headers["epoch"]) == ("annals.documents", b"d0", "3")
    assert record.headers["recorded_at"] == RECORDED.isoformat()
