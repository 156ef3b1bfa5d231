"""Dead letters on the real database: kept whole, once, and whatever the bytes are."""

from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from contracts.codec import MalformedEventError, encode
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from eventstore.dead_letters import DeadLetter, DeadLetters
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.message import Message
from tests.streams.fakes import Recorder


@pytest.fixture
def letters(pool: asyncpg.Pool) -> DeadLetters:
    return DeadLetters(pool)


@pytest.fixture
def dead_letter_sink(letters: DeadLetters) -> DeadLetterSink:
    return DeadLetterSink(letters)


def message(offset: int = 1, value: bytes | None = b"{", **headers: bytes) -> Message:
    return Message(
        topic="annals.test", partition=2, offset=offset, timestamp=3, key=b"\x00k", value=value, headers=headers
    )


def stored_event() -> DomainEvent:
    content = DocumentContent(title="t", text=TextReference(digest="a" * 64, characters=1, bytes=1))
    cause = Cause(metadata=EventMetadata(tenant="acme"), correlation_id="c", event_id=UUID(int=7))
    return documents.ingest(None, "d1", content, cause)[0]


async def only(letters: DeadLetters) -> DeadLetter:
    (letter,) = await letters.newest(None)
    return letter


async def test_a_message_is_kept_whole_with_its_cause(dead_letter_sink: DeadLetterSink, letters: DeadLetters) -> None:
    await dead_letter_sink.set_aside("inbox", message(trace=b"abc"), MalformedEventError("title:\n  Field required"))

    letter = await only(letters)
    assert (letter.consumer, letter.topic, letter.partition, letter.offset) == ("inbox", "annals.test", 2, 1)
    assert (letter.key, letter.value, letter.headers) == (b"\x00k", b"{", {"trace": "abc"})
    assert (letter.error, letter.cause) == ("MalformedEventError", "title: Field required")
    assert (letter.status, letter.attempts, letter.tenant, letter.event_id) == ("open", 1, None, None)


async def test_the_same_message_is_kept_once_for_each_consumer(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    for consumer in ("inbox", "chunking", "inbox"):
        await dead_letter_sink.set_aside(consumer, message(), ValueError("no"))
    assert {letter.consumer: letter.attempts for letter in await letters.newest(None)} == {"inbox": 2, "chunking": 1}


async def test_a_stored_event_keeps_its_identity_at_another_offset(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters
) -> None:
    event = stored_event()
    for offset in (1, 99):
        await dead_letter_sink.set_aside("chunking", message(offset, encode(event), position=b"12"), ValueError("no"))

    letter = await only(letters)
    assert (letter.tenant, letter.event_id, letter.position) == ("acme", str(event.event_id), 12)
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
    letter_id = str((await only(letters)).id).encode()

    await dead_letter_sink.resolve("chunking", [message(dead_letter=letter_id)])
    assert (await only(letters)).status == "open"
    await dead_letter_sink.resolve("inbox", [message(), message(dead_letter=letter_id)])
    assert (await only(letters)).status == "resolved"


@pytest.mark.parametrize("number", [b"9" * 40, b"-1", b"x", b"", "\u0663".encode()])
async def test_a_header_that_names_no_letter_stops_nobody(
    dead_letter_sink: DeadLetterSink, letters: DeadLetters, number: bytes
) -> None:
    handler = Recorder()
    await BatchConsumer(handler, dead_letter_sink).process([message(value=b"fine", dead_letter=number)])
    assert handler.handled == ["fine"]
    assert await letters.count() == 0
