"""Records that Kafka deleted unread: their events come from the event store, in order, before what follows."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from confluent_kafka import KafkaException

from aggregates import document as documents
from aggregates.cause import Cause
from contracts import limits
from contracts.codec import NewerSchemaError, encode
from contracts.documents import DocumentContent, TextReference
from contracts.envelope import DomainEvent, EventMetadata
from contracts.event_types import EventType
from contracts.topics import Partition, topics
from eventstore.errors import StoreUnavailableError
from eventstore.log import EventLog
from eventstore.pool import PostgresPool
from eventstore.positions import ConsumerPositions
from eventstore.reader import EventReader
from streams import missed_events
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.fan_out import FanOut
from streams.handler import BATCH_BYTES
from streams.message import Message, read_event
from streams.missed_events import MissedEvents
from tests.streams.fakes import Letters, Stream
from tests.streams.pipeline import record
from tests.streams.test_batch_consumer import until

TOPIC = topics().of(EventType.DOCUMENT_INGESTED).name
P0 = (TOPIC, 0)


def events(count: int, characters: int = 1) -> list[DomainEvent]:
    cause = Cause(metadata=EventMetadata(), correlation_id="c")
    text = TextReference(digest="a" * 64, characters=1, bytes=1)
    return [
        documents.ingest(None, f"d{number}", DocumentContent(title="t" * characters, text=text), cause)[0]
        for number in range(count)
    ]


@dataclass
class Follower:
    """A handler that keeps its positions as stages do. `failures` are raised one a call."""

    positions: ConsumerPositions
    name: str = "follower"
    topics: tuple[str, ...] = (TOPIC,)
    event_types: frozenset[str] = frozenset({"DocumentIngested"})
    large_bytes: int | None = None
    batch_bytes: int = BATCH_BYTES
    gathers_s: float = 0.0
    apart_s: float = 0.0
    poison: str | None = None
    failures: list[Exception] = field(default_factory=list)
    handled: list[str] = field(default_factory=list)

    def read(self, message: Message) -> DomainEvent | None:
        return read_event(message, self.event_types)

    def size(self, message: Message, item: DomainEvent) -> int:
        return len(message.value or b"")

    async def handle(self, items: Sequence[DomainEvent], positions: Mapping[Partition, int]) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if self.poison in {item.aggregate_id for item in items}:
            raise ValueError("cannot be handled")
        self.handled.extend(item.aggregate_id for item in items)
        if positions:
            await self.positions.advance(self.name, positions)


class Scene:
    """Eight documents in the log; Kafka deleted the records before offset `start`, the group goes on at `committed`."""

    def __init__(self, log: EventLog, pool: PostgresPool, *, start: int, committed: int) -> None:
        self.stored = log.append(events(8))
        self.start = start
        self.positions = ConsumerPositions(pool)
        self.handler = Follower(self.positions)
        self.letters = Letters()
        self.missed = MissedEvents(EventReader(pool), self.positions, topics(), self.log_starts, {P0: committed})
        self.consumer = BatchConsumer(self.handler, DeadLetterSink(self.letters, topics()), missed=self.missed)

    def restarted(self) -> BatchConsumer[DomainEvent]:
        """The same consumer in a new process."""
        return BatchConsumer(self.handler, DeadLetterSink(self.letters, topics()), missed=self.missed)

    def log_starts(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        return dict.fromkeys(partitions, self.start)

    def record(self, number: int) -> Message:
        """The record of one document, whose offset is its number."""
        return replace(record(self.stored[number]), topic=TOPIC, partition=0, offset=number)

    def position(self, number: int) -> int:
        return self.stored[number].position or 0

    async def run(self, *numbers: int) -> list[str]:
        """Deliver the records of these documents; returns the documents that were handled."""
        stream = Stream([self.record(number) for number in numbers])
        task = asyncio.create_task(FanOut([self.consumer]).run(TOPIC, stream))
        try:
            await until(lambda: len(stream.acknowledged) == len(numbers) or task.done())
        finally:
            if not task.done():
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        return self.handler.handled


async def test_who_comes_to_a_group_later_catches_up(log: EventLog, pool: PostgresPool) -> None:
    """What the group had read is had from the event store, beside what is delivered; positions are kept at the end."""
    scene = Scene(log, pool, start=0, committed=5)
    assert await scene.consumer.begin()
    assert await scene.run(5, 6) == ["d5", "d6"]
    await scene.consumer.note({P0: scene.position(6)})
    assert await scene.positions.of("follower") == {}
    await scene.consumer.catch_up(scene.position(4))
    assert sorted(scene.handler.handled) == [f"d{number}" for number in range(7)]
    known = await scene.positions.of("follower")
    assert known.pop(P0) == scene.position(6)
    assert set(known.values()) == {scene.position(4)}
    assert await scene.run(7) == [*scene.handler.handled[:7], "d7"]
    assert (await scene.positions.of("follower"))[P0] == scene.position(7)
    again = scene.restarted()
    assert not await again.begin()


async def test_who_ends_while_it_catches_up_begins_again(log: EventLog, pool: PostgresPool) -> None:
    """Whatever was delivered beside it."""
    scene = Scene(log, pool, start=0, committed=5)
    assert await scene.consumer.begin()
    await scene.run(5)
    scene.handler.failures.append(NewerSchemaError("of a newer one"))
    with pytest.raises(NewerSchemaError):
        await scene.consumer.catch_up(scene.position(4))
    again = scene.restarted()
    assert await again.begin()
    await again.catch_up(scene.position(4))
    assert sorted(scene.handler.handled) == [f"d{number}" for number in range(6)]


@pytest.mark.parametrize("committed", [0, 5])
async def test_whoever_was_there_catches_up_with_nothing(log: EventLog, pool: PostgresPool, committed: int) -> None:
    """Nor who begins together with its group."""
    scene = Scene(log, pool, start=0, committed=committed)
    if committed:
        await scene.positions.advance("follower", {P0: scene.position(1)})
    assert not await scene.consumer.begin()
    await scene.run(5)
    assert (await scene.positions.of("follower"))[P0] == scene.position(5)


async def test_what_was_deleted_comes_first_and_in_order(log: EventLog, pool: PostgresPool) -> None:
    scene = Scene(log, pool, start=5, committed=2)
    await scene.positions.advance("follower", {P0: scene.position(1)})
    assert await scene.run(5, 6, 7) == ["d2", "d3", "d4", "d5", "d6", "d7"]
    assert await scene.positions.of("follower") == {P0: scene.position(7)}


async def test_batches_of_it_are_small(log: EventLog, pool: PostgresPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed_events, "BATCH", 2)
    scene = Scene(log, pool, start=7, committed=0)
    assert await scene.run(7) == [f"d{number}" for number in range(8)]


async def test_a_group_that_never_read_gets_the_log_from_its_beginning(log: EventLog, pool: PostgresPool) -> None:
    assert await Scene(log, pool, start=7, committed=0).run(7) == [f"d{number}" for number in range(8)]


async def test_nothing_is_fetched_where_nothing_was_deleted(log: EventLog, pool: PostgresPool) -> None:
    """Another worker had the partition meanwhile."""
    assert await Scene(log, pool, start=0, committed=2).run(5, 6) == ["d5", "d6"]


async def test_one_that_does_not_say_what_it_has_counts_as_having_deleted_it(log: EventLog, pool: PostgresPool) -> None:
    scene = Scene(log, pool, start=0, committed=2)

    def silent(_: Collection[Partition]) -> dict[Partition, int]:
        raise KafkaException("no answer")

    scene.missed._log_starts = silent
    await scene.positions.advance("follower", {P0: scene.position(1)})
    assert await scene.run(5) == ["d2", "d3", "d4", "d5"]


async def test_where_nothing_is_left_all_of_it_is_fetched_and_the_position_kept(
    log: EventLog, pool: PostgresPool
) -> None:
    scene = Scene(log, pool, start=8, committed=3)
    await scene.positions.advance("follower", {P0: scene.position(2)})
    await scene.consumer.recover([P0], scene.position(7))
    assert scene.handler.handled == ["d3", "d4", "d5", "d6", "d7"]
    assert await scene.positions.of("follower") == {P0: scene.position(7)}


async def test_one_of_them_that_cannot_be_handled_is_set_aside_and_the_others_go_on(
    log: EventLog, pool: PostgresPool
) -> None:
    scene = Scene(log, pool, start=5, committed=0)
    scene.handler.poison = "d2"
    assert await scene.run(5) == ["d0", "d1", "d3", "d4", "d5"]
    (letter,) = scene.letters.set_aside
    assert (letter.event_id, letter.position) == (str(scene.stored[2].event_id), scene.position(2))


async def test_a_store_that_is_away_is_waited_for(log: EventLog, pool: PostgresPool) -> None:
    scene = Scene(log, pool, start=5, committed=4)
    await scene.positions.advance("follower", {P0: scene.position(3)})
    scene.handler.failures = [StoreUnavailableError("away"), StoreUnavailableError("away")]
    assert await scene.run(5) == ["d4", "d5"]


async def test_a_newer_event_among_them_ends_it_with_nothing_acknowledged(log: EventLog, pool: PostgresPool) -> None:
    scene = Scene(log, pool, start=5, committed=4)
    scene.handler.failures = [NewerSchemaError("too old")]
    with pytest.raises(ExceptionGroup) as ended:
        await scene.run(5)
    assert ended.group_contains(NewerSchemaError)
    assert await scene.positions.of("follower") == {}


async def test_what_is_read_at_once_is_bounded_in_bytes(
    log: EventLog, pool: PostgresPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = log.append(events(6, characters=500))
    reader, head = EventReader(pool), stored[-1].position or 0
    monkeypatch.setattr(limits, "BATCH_BYTES", 3 * len(encode(stored[0])) + 100)
    assert await reader.of_types({"DocumentIngested"}, 0, head, 100) == stored[:3]
    monkeypatch.setattr(limits, "BATCH_BYTES", 1)
    assert await reader.of_types({"DocumentIngested"}, 0, head, 100) == stored[:1], "one at least"
    monkeypatch.undo()
    assert await reader.of_types({"DocumentIngested"}, 0, stored[1].position or 0, 100) == stored[:2]
    assert await reader.of_types({"DocumentIngested"}, 0, head, 4) == stored[:4]
    assert await reader.of_types({"DocumentDeleted"}, 0, head, 100) == []
