"""A delivery that was set aside is never taken in after a newer one of its document, and holds up no other document."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import cast
from uuid import UUID

import pytest

from aggregates import document as documents
from aggregates.cause import Cause
from aggregates.document import Document
from contracts.documents import DocumentContent
from contracts.envelope import EventMetadata
from contracts.headers import retried
from contracts.topics import topics
from eventstore.commands import Command, Commands
from eventstore.dead_letters import DeadLetter, DeadLetters
from eventstore.keys import AggregateKey
from eventstore.pool import PostgresPool
from eventstore.reader import EventReader
from services.deadline import Deadline
from services.storage.intake import Intake, Outcome, Submission
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.delivery_order import DeliveryOrder
from streams.inbox import InboxHandler
from streams.message import Message
from tests.support.stores import LIMIT

INBOX = topics().inboxes[0]


def message(offset: int, document_id: str, title: str, text: str = "Some text.") -> Message:
    event = {
        "event_id": str(UUID(int=offset + 1)),
        "event_type": "DocumentIngested",
        "aggregate_id": document_id,
        "event_data": {"title": title, "text": text},
        "timestamp": "2026-03-01T12:00:00Z",
    }
    return Message(INBOX.name, 0, offset, 1, document_id.encode(), json.dumps(event).encode())


class Failing:
    """The intake, with a fault that is ours: it cannot take these titles in."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.faulty: set[str] = set()

    async def take(self, submissions: Sequence[Submission], deadline: Deadline) -> list[Outcome]:
        """Fail as told, else take them in."""
        for submission in submissions:
            if submission.title in self.faulty:
                raise RuntimeError(f"a fault of ours with {submission.title}")
        return await self._intake.take(submissions, deadline)


class Scene:
    """An inbox's consumer over a database, and the relay's part in a retry."""

    def __init__(self, intake: Intake, pool: PostgresPool, reader: EventReader) -> None:
        self.letters = DeadLetters(pool)
        self.sink = DeadLetterSink(self.letters, topics())
        self.intake = Failing(intake)
        self.reader = reader
        self._order = DeliveryOrder(self.letters, self.sink, reader)
        self.consumer = BatchConsumer(InboxHandler(cast(Intake, self.intake), self._order, INBOX), self.sink)
        self._offset = 1000

    async def titles(self, document_id: str = "d1") -> list[str]:
        events = await self.reader.of_aggregate("default", "document", document_id)
        return [event.event_data.title for event in events if isinstance(event.event_data, DocumentContent)]

    async def undone(self) -> list[DeadLetter]:
        found = await self.letters.newest(None, None)
        return [letter for letter in reversed(found) if letter.status in ("open", "retrying")]

    async def retry(self, *ids: int | None) -> list[int]:
        asked = await self.letters.mark_retrying("default", [one for one in ids if one is not None] or None)
        published = []
        for letter_id in asked:
            letter = await self.letters.get(None, letter_id)
            assert letter is not None
            self._offset += 1
            headers = {name: value.encode() for name, value in retried({**asdict(letter), "id": letter.number}).items()}
            published.append(Message(letter.topic, 0, self._offset, 5, letter.key, letter.value, headers))
        await self.consumer.process(published)
        return asked


@pytest.fixture
def scene(intake: Intake, pool: PostgresPool, reader: EventReader) -> Scene:
    return Scene(intake, pool, reader)


@pytest.mark.parametrize("batches", [[3], [1, 1, 1], [1, 2], [2, 1]])
async def test_the_next_delivery_waits_behind_a_fault_of_ours_and_others_go_on(
    scene: Scene, batches: list[int]
) -> None:
    scene.intake.faulty = {"first"}
    sent = [message(0, "d1", "first"), message(1, "d1", "second"), message(2, "d2", "other")]
    for size in batches:
        await scene.consumer.process(sent[:size])
        sent = sent[size:]

    assert (await scene.titles("d1"), await scene.titles("d2")) == ([], ["other"])
    first, second = await scene.undone()
    assert (first.error, second.error) == ("RuntimeError", "WaitsBehindError")
    assert second.cause.startswith(f"waits behind dead letter {first.id}, an earlier delivery of the same document")

    scene.intake.faulty = set()
    assert await scene.retry(first.id) == [first.id, second.id], "what waits is tried with it"
    assert await scene.titles("d1") == ["first", "second"]
    assert await scene.undone() == []
    await scene.consumer.process([message(3, "d1", "third")])
    assert await scene.titles("d1") == ["first", "second", "third"]


async def test_what_waits_is_not_tried_before_its_turn(scene: Scene) -> None:
    scene.intake.faulty = {"first"}
    await scene.consumer.process([message(0, "d1", "first"), message(1, "d1", "second"), message(2, "d1", "third")])
    first, second, third = await scene.undone()
    assert await scene.retry(third.id) == [third.id]
    await scene.retry(None)
    assert [letter.error for letter in await scene.undone()] == ["RuntimeError", "WaitsBehindError", "WaitsBehindError"]
    assert await scene.titles() == []

    await scene.letters.drop("default", [first.id or 0], "given up")
    assert await scene.retry(second.id) == [second.id, third.id]
    assert await scene.titles() == ["second", "third"]


async def test_a_producers_own_fault_is_mended_by_its_next_delivery(scene: Scene) -> None:
    """Nobody could do anything for it but its producer, who did; so it must not wait."""
    too_large = message(0, "d1", "large", "x" * (LIMIT + 1))
    broken = Message(INBOX.name, 0, 1, 1, b"d1", b'{"aggregate_id": "d1"}')
    await scene.consumer.process([too_large, broken, message(2, "d1", "mended")])
    assert await scene.titles() == ["mended"]
    _, large = await scene.undone()

    await scene.retry(large.id)
    _, large = await scene.undone()
    assert large.error == "OutOfDateError" and "taken in anew or deleted since" in large.cause
    assert "position" not in large.cause, "its tenant reads it: a position counts the events of all tenants"
    assert await scene.titles() == ["mended"]


@pytest.mark.parametrize("newer", ["taken in anew", "deleted"])
async def test_a_delivery_does_not_undo_what_came_another_way_since(
    scene: Scene, commands: Commands, newer: str
) -> None:
    cause = Cause(EventMetadata(), "c")
    key = AggregateKey("default", "document", "d1")
    await scene.consumer.process([message(0, "d1", "before")])
    scene.intake.faulty = {"first"}
    await scene.consumer.process([message(1, "d1", "first"), message(2, "d1", "second")])
    scene.intake.faulty = set()
    (before,) = await scene.reader.of_aggregate(*key)
    assert isinstance(before.event_data, DocumentContent)
    content = before.event_data.model_copy(update={"title": "from the command line"})
    decide = (
        (lambda state: documents.ingest(state, "d1", content, cause))
        if newer == "taken in anew"
        else (lambda state: documents.delete(state, None, cause))
    )
    await commands.execute(Command(key, Document.project, decide))
    events = len(await scene.reader.of_aggregate(*key))

    await scene.retry(None)
    assert [letter.error for letter in await scene.undone()] == ["OutOfDateError", "OutOfDateError"]
    assert len(await scene.reader.of_aggregate(*key)) == events


async def test_what_is_delivered_again_and_goes_well_closes_its_letter(scene: Scene) -> None:
    """As after a crash: the letter was kept, and the message not yet acknowledged."""
    scene.intake.faulty = {"first"}
    sent = [message(0, "d1", "first"), message(1, "d1", "second")]
    await scene.consumer.process(sent)
    scene.intake.faulty = set()
    await scene.consumer.process(sent)
    assert await scene.titles() == ["first", "second"]
    assert await scene.undone() == []
