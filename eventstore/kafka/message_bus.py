"""The way into Kafka: everything is acknowledged in order, or the batch failed."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Producer

from contracts.errors import AnnalsError
from contracts.topics import Partition
from eventstore.kafka.records import Record

FLUSH_LIMIT_S = 35.0
FLUSH_SLICE_S = 1.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


PERMANENT = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.INVALID_RECORD,
        KafkaError.POLICY_VIOLATION,
    }
)
"""What is wrong with the record itself: it would be refused as often as it is sent."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A record, by its index among those published, that the broker will never take, and why."""

    index: int
    cause: str


@dataclass(frozen=True, slots=True)
class Published:
    """The ends of the partitions that were touched, and what was refused; all else is acknowledged."""

    ends: Mapping[Partition, int]
    refused: Sequence[Refused]


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
    ) -> Published:
        """Publish in order and wait for every acknowledgement.

        A broker refuses all records of a request for one of them, so what was refused is sent again, each alone.

        `while_waiting` is called every FLUSH_SLICE_S while the broker keeps us waiting, and may raise to give up.

        Raises KafkaException when one was neither acknowledged nor refused, BrokerLostRecordsError when the broker
        forgot earlier ones.
        After either, or after what `while_waiting` raised, records may be queued still: `abandon` drops them.
        """
        next_offsets: dict[Partition, int] = {}
        refused = self._send(list(enumerate(records)), ends, next_offsets, while_waiting)
        if len(refused) > 1:
            again = [(one.index, records[one.index]) for one in refused]
            refused = [still for one in again for still in self._send([one], ends, next_offsets, while_waiting)]
        return Published(next_offsets, refused)

    def _send(
        self,
        records: Sequence[tuple[int, Record]],
        ends: Mapping[Partition, int],
        next_offsets: dict[Partition, int],
        while_waiting: Callable[[], None],
    ) -> list[Refused]:
        failures: dict[int, KafkaError] = {}
        landed: list[tuple[str, int, int]] = []

        def delivered(index: int, error: KafkaError | None, message: object) -> None:
            if error is not None:
                failures[index] = error
            else:
                landed.append((message.topic(), message.partition(), message.offset()))  # type: ignore[attr-defined]

        for index, record in records:
            try:
                self._producer.produce(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers.items()),
                    on_delivery=partial(delivered, index),
                )
            except KafkaException as not_queued:  # larger than MAX_MESSAGE_BYTES
                failures[index] = not_queued.args[0]
            self._producer.poll(0)
        left = self._flush(while_waiting)
        for error in failures.values():
            if error.code() not in PERMANENT:
                raise KafkaException(error)
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{left} records were not acknowledged"))
        for topic, partition, offset in landed:
            if offset < ends.get((topic, partition), 0):
                raise BrokerLostRecordsError(f"{topic}/{partition} is at {offset}, was at {ends[(topic, partition)]}")
            next_offsets[(topic, partition)] = max(offset + 1, next_offsets.get((topic, partition), 0))
        return [Refused(index, error.str()) for index, error in sorted(failures.items())]

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
