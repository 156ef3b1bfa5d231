"""The way into Kafka: everything is acknowledged in order, or the batch failed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, Producer

from contracts.errors import AnnalsError
from contracts.topics import Partition

FLUSH_LIMIT_S = 35.0
FLUSH_SLICE_S = 1.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """What goes to one topic."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]


class BrokerLostRecordsError(AnnalsError):
    """A record landed below the known end of its partition; the broker lost what it had and has to be filled again."""


class KafkaMessageBus:
    """The publishing side of the specification's message bus (2.1): its acks, timeout, batch size and compression.

    Idempotent besides, so that what librdkafka sends again lands once and in order. The consuming side is the
    agents' `streams/batch_consumer.py`, which acknowledges a message after it was handled. `client` holds bootstrap
    servers and TLS or SASL settings in librdkafka's words.
    """

    def __init__(self, client: Mapping[str, str]) -> None:
        self._producer = Producer(
            {
                **client,
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "lz4",
                "message.timeout.ms": 30000,
                "batch.size": 100000,
                "linger.ms": 5,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "queue.buffering.max.messages": 20000,
                "reconnect.backoff.max.ms": 1000,
                "topic.metadata.refresh.fast.interval.ms": 100,
                "topic.metadata.propagation.max.ms": 5000,
                "log_level": 0,
            }
        )

    def publish(
        self,
        records: Sequence[Record],
        ends: Mapping[Partition, int],
        while_waiting: Callable[[], None],
    ) -> dict[Partition, int]:
        """Publish in order and wait for every acknowledgement; returns the ends of the partitions touched.

        `while_waiting` is called every FLUSH_SLICE_S while the broker keeps us waiting, and may raise to give up.

        Raises KafkaException when one was not acknowledged, BrokerLostRecordsError when the broker forgot earlier ones.
        After either, or after what `while_waiting` raised, records may be queued still: `abandon` drops them.
        """
        failures: list[KafkaError] = []
        landed: list[tuple[str, int, int]] = []

        def delivered(error: KafkaError | None, message: object) -> None:
            if error is not None:
                failures.append(error)
            else:
                landed.append((message.topic(), message.partition(), message.offset()))  # type: ignore[attr-defined]

        for record in records:
            self._producer.produce(
                record.topic,
                key=record.key,
                value=record.value,
                headers=list(record.headers.items()),
                on_delivery=delivered,
            )
            self._producer.poll(0)
        left = self._flush(while_waiting)
        if failures:
            raise KafkaException(failures[0])
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{left} records were not acknowledged"))
        reached: dict[Partition, int] = {}
        for topic, partition, offset in landed:
            if offset < ends.get((topic, partition), 0):
                raise BrokerLostRecordsError(f"{topic}/{partition} is at {offset}, was at {ends[(topic, partition)]}")
            reached[(topic, partition)] = max(offset + 1, reached.get((topic, partition), 0))
        return reached

    def _flush(self, while_waiting: Callable[[], None]) -> int:
        """How many records were not acknowledged within FLUSH_LIMIT_S."""
        end = time.monotonic() + FLUSH_LIMIT_S
        while (left := self._producer.flush(FLUSH_SLICE_S)) and time.monotonic() < end:
            while_waiting()
        return left

    def abandon(self) -> None:
        """Send nothing more: drop what is queued. What was on its way may land still, and is sent anew by the next."""
        self._producer.purge()
        self._producer.flush(1.0)
