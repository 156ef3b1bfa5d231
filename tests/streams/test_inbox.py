"""The inbox: what any Kafka client wrote is read strictly, taken in once, and refused with a plain reason."""

import json
from typing import Any
from uuid import UUID

import pytest

from aggregates.document import Document
from contracts.codec import MalformedEventError
from contracts.documents import DocumentContent, DocumentDeleted
from contracts.envelope import EventMetadata, new_event
from contracts.ids import event_id
from contracts.topics import topics
from eventstore.commands import Command, Commands
from eventstore.dead_letters import DeadLetters
from eventstore.errors import StoreUnavailableError
from eventstore.keys import AggregateKey
from eventstore.log_ids import PUBLIC_IDS
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from services.storage.intake import Intake
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.delivery_order import DeliveryOrder
from streams.inbox import InboxHandler
from streams.message import Message
from tests.support.stores import LIMIT

INBOX = topics().inboxes[0].model_copy(update={"name": "acme.inbox", "tenants": ("acme", "acme-labs")})
TOPIC = INBOX.name
TOPICS = topics().model_copy(update={"inboxes": (INBOX,)})


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
def sink(pool: PostgresPool) -> DeadLetterSink:
    return DeadLetterSink(DeadLetters(pool), TOPICS)


@pytest.fixture
def order(pool: PostgresPool, sink: DeadLetterSink, reader: EventReader) -> DeliveryOrder:
    return DeliveryOrder(DeadLetters(pool), sink, reader)


@pytest.fixture
def handler(intake: Intake, order: DeliveryOrder) -> InboxHandler:
    return InboxHandler(intake, order, INBOX)


async def test_what_a_producer_wrote_becomes_an_event(handler: InboxHandler, reader: EventReader) -> None:
    await handler.handle([handler.read(message(0, written(1)))], {})

    (event,) = await reader.after(0, 10)
    assert (event.event_id, event.causation_id) == (PUBLIC_IDS.delivery("acme", "d1", UUID(int=1)), UUID(int=1))
    assert (event.aggregate_id, event.tenant) == ("d1", "acme")
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
        (written(1, event_data={"title": "t", "text": " \n"}), "event_data.text: holds only white space"),
        (written(1, event_data={"title": "t", "text": "a\x00b"}), "holds a NUL character at 1"),
        (written(1, event_data={"title": "t"}), "event_data.text: Field required"),
        (written(1, metadata={"tenant": "No Tenant"}), "metadata.tenant: String should match pattern"),
        (
            written(1, metadata={"tenant": "default"}),
            "metadata.tenant: acme.inbox does not speak for 'default', only for acme, acme-labs; write to that",
        ),
        (
            written(1, metadata={}),
            "metadata.tenant: is missing, and acme.inbox speaks for several; name one of acme, acme-labs",
        ),
    ],
)
def test_what_cannot_be_understood_says_where(handler: InboxHandler, value: Any, reason: str) -> None:
    with pytest.raises(MalformedEventError) as raised:
        handler.read(message(0, value))
    assert reason in str(raised.value) and "\n" not in str(raised.value)


async def test_a_batch_with_all_kinds_of_trouble(
    handler: InboxHandler, reader: EventReader, pool: PostgresPool
) -> None:
    """Good ones are taken in, bad ones lie in the dead letter sink, and doing it all again changes nothing."""
    too_large = written(3, event_data={"title": "t", "text": "x" * (LIMIT + 1)})
    values = [written(1), b"{", too_large, written(2), written(1)]
    sent = [message(offset, value) for offset, value in enumerate(values)]
    letters = DeadLetters(pool)
    consumer = BatchConsumer(handler, DeadLetterSink(letters, TOPICS))

    await consumer.process(sent)
    await consumer.process(sent)

    assert [event.aggregate_id for event in await reader.after(0, 10)] == ["d1", "d2"]
    assert sorted((letter.offset, letter.error) for letter in await letters.newest(None, "open")) == [
        (1, "MalformedEventError"),
        (2, "DocumentTooLargeError"),
    ]


async def test_the_topics_only_tenant_is_the_one_that_is_meant(
    intake: Intake, order: DeliveryOrder, reader: EventReader
) -> None:
    only = InboxHandler(intake, order, INBOX.model_copy(update={"tenants": ("acme",)}))
    await only.handle([only.read(message(0, written(1, metadata={})))], {})
    (event,) = await reader.after(0, 10)
    assert (event.tenant, event.metadata.actor, event.metadata.source) == ("acme", "unknown", "inbox:acme.inbox")


async def test_whom_a_producer_names_is_marked_as_its_claim(handler: InboxHandler, reader: EventReader) -> None:
    claims = {"tenant": "acme", "actor": "annals", "source": "chunking" * 32}
    await handler.handle([handler.read(message(0, written(1, metadata=claims)))], {})
    (event,) = await reader.after(0, 10)
    assert event.metadata.actor == "annals"
    assert event.metadata.source == f"inbox:acme.inbox:{'chunking' * 32}"[:256]


async def test_a_producer_cannot_take_the_id_of_a_stages_result(
    handler: InboxHandler, reader: EventReader, commands: Commands
) -> None:
    """Ids of results can be worked out by anybody; an id that a producer chooses is never stored as it is."""
    await handler.handle([handler.read(message(0, written(1)))], {})
    (victim,) = await reader.after(0, 10)
    predicted = event_id(victim.event_id, "completion", "completion/1")
    await handler.handle([handler.read(message(1, written(2, event_id=str(predicted))))], {})

    result = new_event(
        DocumentDeleted(),
        aggregate_id="d1",
        aggregate_version=2,
        metadata=victim.metadata,
        correlation_id="c",
        event_id=predicted,
    )
    (stored,) = await commands.execute(Command(AggregateKey.of(victim), Document.project, lambda _: (result,)))
    assert (stored.aggregate_id, stored.event_id) == ("d1", predicted)


async def test_nor_does_an_id_in_another_aggregate_keep_a_result_out(commands: Commands) -> None:
    """As logs of older versions may hold it: there the id that a producer chose was stored."""

    async def add(tenant: str) -> str:
        event = new_event(
            DocumentDeleted(),
            aggregate_id="d1",
            aggregate_version=1,
            metadata=EventMetadata(tenant=tenant),
            correlation_id="c",
            event_id=UUID(int=9),
        )
        (stored,) = await commands.execute(Command(AggregateKey.of(event), Document.project, lambda _: (event,)))
        return stored.tenant

    assert [await add("other"), await add("acme")] == ["other", "acme"]
    assert await add("acme") == "acme", "and its own is found again"


async def test_databases_that_are_slow_make_no_dead_letter(
    handler: InboxHandler, reader: EventReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that is not taken in by its deadline is tried again as it is."""
    monkeypatch.setattr("streams.inbox.TAKE_LIMIT_S", 0.0)
    batch = [handler.read(message(0, written(1)))]
    with pytest.raises(StoreUnavailableError, match="taking documents in took longer"):
        await handler.handle(batch, {})
    monkeypatch.setattr("streams.inbox.TAKE_LIMIT_S", 20.0)
    await handler.handle(batch, {})
    assert len(await reader.after(0, 10)) == 1
