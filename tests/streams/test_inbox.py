"""The inbox: what any Kafka client wrote is read strictly, taken in once, and refused with a plain reason."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.codec import MalformedEventError
from contracts.documents import DocumentContent
from contracts.topics import topics
from eventstore.dead_letters import DeadLetters
from eventstore.reader import EventReader
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.inbox import InboxHandler
from streams.intake import Intake
from streams.message import Message
from tests.streams.conftest import LIMIT

TOPIC = topics().inbox.name


def written(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": str(UUID(int=number)),
        "event_type": "DocumentIngested",
        "schema_version": 1,
        "aggregate_id": f"d{number}",
        "event_data": {"title": "Lisse", "text": f"Lisse number {number} lies on the coast."},
        "metadata": {"tenant": "acme", "actor": "ada", "source": "script"},
        "timestamp": "2026-03-01T12:00:00+01:00",
        **changes,
    }


def message(offset: int, value: Any) -> Message:
    raw = value if value is None or isinstance(value, bytes) else json.dumps(value).encode()
    return Message(topic=TOPIC, partition=0, offset=offset, timestamp=1, key=b"k", value=raw)


@pytest.fixture
def handler(intake: Intake) -> InboxHandler:
    return InboxHandler(intake, topics())


async def test_what_a_producer_wrote_becomes_an_event(handler: InboxHandler, reader: EventReader) -> None:
    await handler.handle([handler.read(message(0, written(1)))], {})

    (event,) = await reader.after(0, 10)
    assert (event.event_id, event.aggregate_id, event.tenant) == (UUID(int=1), "d1", "acme")
    assert event.timestamp.isoformat() == "2026-03-01T11:00:00+00:00"
    # Without one of its own, a delivery's correlation is its event id.
    assert event.correlation_id == str(UUID(int=1))
    assert isinstance(event.event_data, DocumentContent) and event.event_data.title == "Lisse"


async def test_a_correlation_of_the_producers_is_kept(handler: InboxHandler, reader: EventReader) -> None:
    await handler.handle([handler.read(message(0, written(1, correlation_id="order-5")))], {})
    (event,) = await reader.by_correlation("acme", "order-5")
    assert event.aggregate_id == "d1"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "message is empty"),
        (b"", "message is empty"),
        (b"{", "message: Invalid JSON"),
        (b"\xff\xfe", "message: Invalid JSON"),
        (written(1, event_type="DocumentDeleted"), "event_type: Input should be 'DocumentIngested'"),
        (written(1, event_id="7"), "event_id: Input should be a valid UUID"),
        (written(1, aggregate_id=""), "aggregate_id: String should have at least 1 character"),
        (written(1, timestamp="2026-03-01T12:00:00"), "timestamp: Input should have timezone info"),
        (written(1, surprise=1), "surprise: Extra inputs are not permitted"),
        (written(1, event_data={"title": "t", "text": " \n"}), "event_data.text: Value error, holds only white space"),
        (written(1, event_data={"title": "t", "text": "a\x00b"}), "holds a NUL character at 1"),
        (written(1, event_data={"title": "t"}), "event_data.text: Field required"),
        (written(1, metadata={"tenant": "No Tenant"}), "metadata.tenant: String should match pattern"),
    ],
)
def test_what_cannot_be_understood_says_where(handler: InboxHandler, value: Any, reason: str) -> None:
    with pytest.raises(MalformedEventError) as raised:
        handler.read(message(0, value))
    assert reason in str(raised.value) and "\n" not in str(raised.value)


async def test_a_batch_with_all_kinds_of_trouble(
    handler: InboxHandler, reader: EventReader, pool: asyncpg.Pool
) -> None:
    """Good ones are taken in, bad ones lie in the dead_letter_sink, and doing it all again changes nothing."""
    too_large = written(3, event_data={"title": "t", "text": "x" * (LIMIT + 1)})
    values = [written(1), b"{", too_large, written(2), written(1)]
    sent = [message(offset, value) for offset, value in enumerate(values)]
    letters = DeadLetters(pool)
    consumer = BatchConsumer(handler, DeadLetterSink(letters))

    await consumer.process(sent)
    await consumer.process(sent)

    assert [event.aggregate_id for event in await reader.after(0, 10)] == ["d1", "d2"]
    assert sorted((letter.offset, letter.error) for letter in await letters.newest("open")) == [
        (1, "MalformedEventError"),
        (2, "DocumentTooLargeError"),
    ]
