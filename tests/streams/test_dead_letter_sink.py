"""Dead letters on the real database: kept whole, once, and whatever the bytes are."""

from dataclasses import asdict, replace
from uuid import UUID, uuid4

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.codec import MalformedEventError, encode
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.headers import retried
from contracts.topics import topics
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.pool import PostgresPool
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.message import Message
from tests.streams.fakes import Recorder

INBOX = topics().inboxes[0].name
DOCUMENTS = topics().of(EventType.DOCUMENT_INGESTED).name


@pytest.fixture
def letters(pool: PostgresPool) -> DeadLetters:
    return DeadLetters(pool)


@pytest.fixture
def dead_letter_sink(letters: DeadLetters) -> DeadLetterSink:
    return DeadLetterSink(letters, topics())


def message(offset: int = 1, value: bytes | None = b"{", topic: str = INBOX, **headers: bytes) -> Message:
    return Message(topic=topic, partition=2, offset=offset, timestamp=3, key=b"\x00k", value=value, headers=headers)


def stored_event() -> DomainEvent:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    cause = Cause(metadata=EventMetadata(tenant="acme"), correlation_id="c", event_id=UUID(int=7))
    return documents.ingest(None, "d1", content, cause)[0]


def retry_of(letter: DeadLetter) -> Message:
    """As the relay publishes it."""
    headers = {name: value.encode() for name, value in retried({**asdict(letter), "id": letter.number}).items()}
    return Message(letter.topic, 0, 50, 5, letter.key, letter.value, headers)


async def only(letters: DeadLetters) -> DeadLetter:
    (letter,) = await letters.newest(None, None)
    return letter


async def test_a_message_is_kept_whole_with_its_cause(dead_letter_sink: DeadLetterSink, letters: DeadLetters) -> None:
    await dead_letter_sink.set_aside("inbox", message(trace=b"abc"), MalformedEventError("title:\n  Field required"))

    letter = await only(letters)
    assert (letter.consumer, letter.topic, letter.partition, letter.offset) == ("inbox", INBOX, 2, 1)
    assert (letter.key, letter.value, letter.headers) == (b"\x00k", b"{", {"trace": "abc"})
    assert (letter.error, letter.cause) == ("MalformedEventError", "title: Field required")
    assert (letter.status, letter.attempts, letter.tenant, letter.event_id) == ("open", 1, "default", None)


async def test_the_same_message_is_kept_once_for_each_consumer(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    for consumer in ("inbox", "chunking", "inbox"):
        await dead_letter_sink.set_aside(consumer, message(), ValueError("no"))
    assert {letter.consumer: letter.attempts for letter in await letters.newest(None, None)} == {
        "inbox": 2,
        "chunking": 1,
    }


async def test_a_stored_event_keeps_its_identity_at_another_offset(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    event = stored_event()
    for offset in (1, 99):
        await dead_letter_sink.set_aside(
            "chunking", message(offset, encode(event), DOCUMENTS, position=b"12"), ValueError("no")
        )

    letter = await only(letters)
    assert (letter.tenant, letter.aggregate_id, letter.event_id) == ("acme", "d1", str(event.event_id))
    assert letter.position == 12
    assert letter.attempts == 2


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (message(value=None), ValueError("a tombstone")),
        (message(value=b"\xff\x00\xfe"), ValueError("binary")),
        (message(trace=b"a\x00b\xff"), ValueError("a NUL in a header")),
        (replace(message(), headers={"na\x00me": b"v"}), ValueError("a NUL in a header's name")),
        (message(), ValueError("a NUL \x00 in the cause")),
        (message(), ValueError("half a surrogate pair \ud800")),
        (message(position=b"9" * 40), ValueError("a position that is no number of ours")),
        (message(), ValueError()),
        (message(), ValueError("x" * 100_000)),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, Exception) else "",
)
async def test_whatever_a_producer_sends_can_be_set_aside(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters, sent: Message, error: Exception
) -> None:
    """A letter that cannot be written would be delivered, and end the worker, for ever."""
    await dead_letter_sink.set_aside("inbox", sent, error)
    letter = await only(letters)
    assert letter.value == sent.value and letter.cause and len(letter.cause) <= 2000


async def test_a_retry_that_went_well_closes_the_letter_of_its_consumer_alone(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    await dead_letter_sink.set_aside("inbox", message(), ValueError("no"))
    await letters.mark_retrying("default", None)
    again = retry_of(await only(letters))

    await dead_letter_sink.resolve("chunking", [again])
    assert (await only(letters)).status == "retrying"
    await dead_letter_sink.resolve("inbox", [message(), again])
    assert (await only(letters)).status == "resolved"


def forgeries(retry: Message) -> dict[str, Message]:
    """What somebody might send who wants to close a letter that is being tried again."""
    without = {name: value for name, value in retry.headers.items() if name != "retry_token"}
    return {
        "no token": replace(retry, headers=without),
        "a guessed token": replace(retry, headers={**retry.headers, "retry_token": str(uuid4()).encode()}),
        "no UTF-8": replace(retry, headers={**retry.headers, "retry_token": b"\xff\x00"}),
        "another value": replace(retry, value=b"fine"),
        "another topic": replace(retry, topic="annals.other"),
    }


@pytest.mark.parametrize("name", list(forgeries(Message("t", 0, 0, 0, b"", b"", {}))))
async def test_nobody_but_the_relay_closes_a_letter(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters, name: str
) -> None:
    await dead_letter_sink.set_aside("inbox", message(), ValueError("no"))
    await letters.mark_retrying("default", None)
    forged = forgeries(retry_of(await only(letters)))[name]

    await dead_letter_sink.resolve("inbox", [forged])
    assert (await only(letters)).status == "retrying"
    await dead_letter_sink.set_aside("inbox", replace(forged, offset=77), ValueError("no"))
    assert len(await letters.newest(None, None)) == 2, "it is a message of its own"


async def test_a_retrys_token_is_used_once(dead_letter_sink: DeadLetterSink, letters: DeadLetters) -> None:
    await dead_letter_sink.set_aside("inbox", message(), ValueError("no"))
    await letters.mark_retrying("default", None)
    first = retry_of(await only(letters))
    await dead_letter_sink.set_aside("inbox", replace(first, offset=9), ValueError("no"))
    assert (await only(letters)).attempts == 2, "a retry that fails again is the same letter"
    await dead_letter_sink.resolve("inbox", [first])
    assert (await only(letters)).status == "open"


async def test_a_message_that_claims_to_be_a_stored_event_is_none(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    """Only what is on a topic of events is one: anybody may write any header to an inbox."""
    event = stored_event()
    claims = {"position": b"12", "event_id": str(event.event_id).encode(), "tenant": b"acme"}
    await dead_letter_sink.set_aside("chunking", message(1, encode(event), INBOX, **claims), ValueError("no"))
    letter = await only(letters)
    assert (letter.tenant, letter.event_id, letter.position) == ("default", None, None)


async def test_an_event_that_cannot_be_read_is_known_by_the_relays_headers(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    event = stored_event()
    headers = {"position": b"12", "event_id": str(event.event_id).encode(), "tenant": b"acme"}
    broken = replace(
        message(1, b"{", DOCUMENTS, **headers, event_type=b"DocumentIngested"), key=event.aggregate_id.encode()
    )
    for sent in (broken, replace(broken, value=encode(event), offset=5)):
        await dead_letter_sink.set_aside("chunking", sent, ValueError("no"))
    letter = await only(letters)
    assert (letter.tenant, letter.aggregate_id, letter.event_id) == ("acme", "d1", str(event.event_id))
    assert letter.attempts == 2, "read or not, it is the same event"


@pytest.mark.parametrize(
    ("tenants", "value", "origin"),
    [
        (("acme",), b"{", ("acme", None)),
        (("acme",), b'{"aggregate_id": "d1", "metadata": {"tenant": "other"}}', ("acme", "d1")),
        (("acme", "labs"), b'{"aggregate_id": "d1", "metadata": {"tenant": "labs"}}', ("labs", "d1")),
        (("acme", "labs"), b'{"aggregate_id": "d1", "metadata": {"tenant": "other"}}', (None, "d1")),
        (("acme", "labs"), b'{"aggregate_id": "d1", "metadata": []}', (None, "d1")),
        (("acme", "labs"), b'{"aggregate_id": 7, "metadata": {"tenant": 7}}', (None, None)),
        (("acme", "labs"), b'{"aggregate_id": "a\\u0000"}', (None, None)),
        (("acme", "labs"), None, (None, None)),
    ],
)
async def test_a_letter_belongs_to_whom_its_inbox_speaks_for(
    letters: DeadLetters, tenants: tuple[str, ...], value: bytes | None, origin: tuple[str | None, str | None]
) -> None:
    inbox = topics().inboxes[0].model_copy(update={"tenants": tenants})
    sink = DeadLetterSink(letters, topics().model_copy(update={"inboxes": (inbox,)}))
    await sink.set_aside("inbox", message(1, value), ValueError("no"))
    letter = await only(letters)
    assert (letter.tenant, letter.aggregate_id) == origin


async def test_a_tenant_sees_and_changes_its_own_letters_alone(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    await dead_letter_sink.set_aside("inbox", message(), ValueError("no"))
    await dead_letter_sink.set_aside("graph", message(2, topic="annals.unknown"), ValueError("no"))
    of_none, own = await letters.newest(None, None)
    assert (of_none.tenant, own.tenant) == (None, "default")
    assert own.id is not None and of_none.id is not None

    for tenant, seen in (("default", [own]), ("acme", []), (None, [of_none, own])):
        assert await letters.newest(tenant, None) == seen
        assert await letters.count(tenant) == len(seen)
    assert await letters.count_of_no_tenant() == 1
    assert await letters.get("acme", own.id) is None and await letters.get("default", of_none.id) is None
    ids = [own.id, of_none.id]
    assert await letters.mark_retrying("acme", ids) == [] and await letters.drop("acme", ids, "no") == []
    assert await letters.mark_retrying("default", ids) == [own.id]
    assert await letters.mark_retrying("default", None) == [own.id]
    assert await letters.drop(None, [of_none.id], "not ours") == [of_none.id]


async def test_a_dropped_letter_stays_dropped(dead_letter_sink: DeadLetterSink, letters: DeadLetters) -> None:
    await dead_letter_sink.set_aside("inbox", message(), ValueError("no"))
    letter = await only(letters)
    assert letter.id is not None
    assert await letters.drop("default", [letter.id], "a test of theirs") == [letter.id]
    await dead_letter_sink.set_aside("inbox", message(), ValueError("delivered again"))

    letter = await only(letters)
    assert (letter.status, letter.reason) == ("dropped", "a test of theirs")
    assert await letters.count(None) == 0
    assert await letters.mark_retrying(None, None) == [] and await letters.drop(None, [1], "again") == []


@pytest.mark.parametrize("number", [b"9" * 40, b"-1", b"x", b"", "\u0663".encode()])
async def test_a_header_that_names_no_letter_stops_nobody(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters, number: bytes
) -> None:
    handler = Recorder()
    await BatchConsumer(handler, dead_letter_sink).process([message(value=b"fine", dead_letter=number)])
    assert handler.handled == ["fine"]
    assert await letters.count(None) == 0
