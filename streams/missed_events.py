"""What Kafka deleted before a consumer read it, by retention or by hand, is had from the event store.

A topic's records have consecutive offsets. Where the next one that comes lies further on, those between may be gone,
and Kafka's clients say nothing of it: they begin at what is left.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts import headers
from contracts.codec import encode
from contracts.envelope import DomainEvent
from contracts.topics import Partition, Topics
from eventstore.positions import ConsumerPositions, low_watermark
from eventstore.reader import EventReader
from streams.message import Message

BATCH = 100
GROUP_LIMIT_S = 10.0

LogStarts: TypeAlias = Callable[[Collection[Partition]], Mapping[Partition, int]]
"""The offset of the first record that Kafka still has, for each of these partitions. Raises KafkaException."""


class MissedEvents:
    """For the consumers of one role. `next_offsets`: where the role's group goes on, for each partition it follows."""

    def __init__(
        self,
        reader: EventReader,
        positions: ConsumerPositions,
        topics: Topics,
        log_starts: LogStarts,
        next_offsets: Mapping[Partition, int],
    ) -> None:
        self._reader = reader
        self._positions = positions
        self._topics = topics
        self._log_starts = log_starts
        self.next_offsets = next_offsets

    async def is_deleted(self, partition: Partition, offset: int) -> bool:
        """Whether the record at this offset is gone; if Kafka does not say, it counts as gone."""
        try:
            starts = await asyncio.to_thread(self._log_starts, [partition])
        except KafkaException:
            return True
        return starts.get(partition, 0) > offset

    def partitions_of(self, followed: Collection[str]) -> list[Partition]:
        """All partitions of these topics."""
        return [partition for topic in self._topics.all if topic.name in followed for partition in topic.all_partitions]

    async def is_late(self, consumer: str, followed: Collection[str]) -> bool:
        """Whether the role's group has read some of these topics, and this consumer came to it since: it has no
        position at all. Raises StoreUnavailableError."""
        has_read = any(self.next_offsets.get(partition, 0) > 0 for partition in self.partitions_of(followed))
        return has_read and not await self._positions.of(consumer)

    async def lowest_known(self, consumer: str, partitions: Collection[Partition]) -> int:
        """Up to which position a consumer has everything of all these partitions. Raises StoreUnavailableError."""
        return low_watermark(await self._positions.of(consumer), partitions)

    async def after(self, position: int, up_to: int, event_types: Collection[str]) -> list[Message]:
        """The next events behind a position, as the relay publishes them, in the order of the log; [] at the end.

        Of all partitions: to be given one again changes nothing. At most BATCH, and bounded in bytes. Raises
        StoreUnavailableError.
        """
        events = await self._reader.of_types(event_types, position, up_to, BATCH)
        return [self._message(event) for event in events]

    def _message(self, event: DomainEvent) -> Message:
        """Its partition and offset are -1: it comes from none."""
        assert event.recorded_at is not None, "stored events were recorded"
        said = headers.of_event(event.model_dump(mode="json"), event.recorded_at, epoch=0)
        return Message(
            topic=self._topics.of(event.event_type).name,
            partition=-1,
            offset=-1,
            timestamp=int(event.timestamp.timestamp() * 1000),
            key=event.aggregate_id.encode(),
            value=encode(event),
            headers={name: value.encode() for name, value in said.items()},
        )


def committed_offsets(client: Mapping[str, str], group: str, partitions: Collection[Partition]) -> dict[Partition, int]:
    """Where a group goes on; 0 where it never was. Raises KafkaException."""
    consumer = Consumer({**client, "group.id": group, "enable.auto.commit": False, "log_level": "0"})
    try:
        asked = [TopicPartition(*partition) for partition in partitions]
        found = consumer.committed(asked, timeout=GROUP_LIMIT_S) if asked else []
        return {(one.topic, one.partition): max(one.offset, 0) for one in found}
    finally:
        consumer.close()
