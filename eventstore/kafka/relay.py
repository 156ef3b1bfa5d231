"""The relay: publishes the log to Kafka, in order, and fills a broker that lost what it had.

One is active at a time: the one that holds a lock in PostgreSQL. It reads over the very connection of the lock before
it publishes, asks it every second while it waits for the broker, and drops what is queued as soon as that fails. Its
position is kept only after every record of a batch is acknowledged, so a crash repeats records and never leaves
one out; consumers are idempotent.

The embedded broker keeps everything in memory. When it was restarted, the relay sees it (a topic is gone, or a
record lands below the partition's known end), counts a new *epoch*, goes back to the lowest position that any
consumer still needs, and publishes from there. Consumers use one consumer group for each epoch, so offsets of the
lost broker are never taken for offsets of the new one.
"""

import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import psycopg
from confluent_kafka import KafkaException

from contracts import headers
from contracts.codec import canonical
from contracts.event_types import EventType
from contracts.topics import Partition, Topics
from contracts.upcasters import upcast
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.admin import reason
from eventstore.kafka.broker_check import BrokerCheck
from eventstore.kafka.message_bus import BrokerLostRecordsError, KafkaMessageBus, Record
from eventstore.kafka.relay_state import RelayState
from telemetry import metrics

log = logging.getLogger(__name__)

BATCH = 1000
BATCH_BYTES = 8 * 1024 * 1024
IDLE_S = 1.0
BACKOFF_MAX_S = 2.0
COUNT_EVERY_S = 60.0
NOT_IN_LOG = "the log has no such event, so it cannot be tried again; drop it: annals dead-letters drop ID --reason WHY"


class Relay:
    """`overall_low_watermark` gives the position up to which every consumer has processed everything.

    `beat` is called about once a second while it publishes, or waits for another one to end.
    """

    def __init__(
        self,
        dsn: str,
        client: Mapping[str, str],
        topics: Topics,
        overall_low_watermark: Callable[[], int],
        beat: Callable[[], None],
    ) -> None:
        self._dsn = dsn
        self._client = dict(client)
        self._topics = topics
        self._low_watermark = overall_low_watermark
        self._beat = beat
        self._names = {str(event_type): topics.of(event_type).name for event_type in EventType}
        self._published: Counter[str] = Counter()
        self._counted_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set, whatever breaks meanwhile."""
        failures = 0
        while not stop.is_set():
            try:
                self._lead(stop)
                failures = 0
            except (psycopg.Error, KafkaException, BufferError, StoreUnavailableError) as error:
                failures += 1
                metrics.RELAY_FAILURES.inc()
                log.warning("relay: %s; trying again", _plain(error))
                stop.wait(min(BACKOFF_MAX_S, 0.1 * 2**failures) * random.uniform(0.5, 1.0))

    def _lead(self, stop: threading.Event) -> None:
        """Wait for the lock, then publish until something breaks or `stop` is set."""
        state = RelayState(self._dsn)
        bus: KafkaMessageBus | None = None
        try:
            while not state.try_lock():
                self._beat()
                if stop.wait(IDLE_S):
                    return
            self._broker = BrokerCheck(self._client, self._topics, state.log_id())
            self._broker.apply_topics()
            bus = KafkaMessageBus(self._client)
            position, epoch, letter, ends = state.load()
            log.info("relay: publishing behind position %d, epoch %d", position, epoch)
            while not stop.is_set():
                try:
                    self._broker.check(ends)
                    moved = self._publish_events(state, bus, position, epoch, ends)
                    letter = self._publish_letters(state, bus, letter, epoch, ends)
                except BrokerLostRecordsError as lost:
                    # First of all: what is queued bears the old epoch, and would land as soon as there are topics.
                    bus.abandon()
                    position, epoch, ends = self._begin_again(state, lost)
                    bus = KafkaMessageBus(self._client)
                    continue
                self._beat()
                if moved == position:
                    state.wait(IDLE_S)
                position = moved
                self._report()
        finally:
            # Before the lock is given up with the connection.
            if bus is not None:
                bus.abandon()
            state.close()

    def _publish_events(
        self, state: RelayState, bus: KafkaMessageBus, position: int, epoch: int, ends: dict[Partition, int]
    ) -> int:
        """One batch; returns the position reached."""
        began = time.monotonic()
        events = _within(state.events_after(position, BATCH))
        if not events:
            return position
        records = [self._record(*event, epoch) for event in events]
        ends.update(bus.publish(records, ends, lambda: self._check_while_waiting(state, ends)))
        state.save(events[-1][0], ends)
        metrics.RELAY_BATCH_SECONDS.observe(time.monotonic() - began)
        for _, event_type, _ in events:
            metrics.PUBLISHED.labels(event_type).inc()
        self._published.update(event_type for _, event_type, _ in events)
        return events[-1][0]

    def _check_while_waiting(self, state: RelayState, ends: Mapping[Partition, int]) -> None:
        """Are we still the one? And a broker that came back empty has no topics: the producer would wait for them."""
        state.check_lock()
        self._broker.check_while_waiting(ends)

    def _record(self, position: int, event_type: str, stored: bytes, epoch: int) -> Record:
        event = upcast(json.loads(stored))  # readers of the topics know today's schema only
        event["position"] = position
        return Record(
            topic=self._names[event_type],
            key=event["aggregate_id"].encode(),
            value=canonical(event),
            headers=headers.of_event(event, epoch),
        )

    def _publish_letters(
        self, state: RelayState, bus: KafkaMessageBus, published: int, epoch: int, ends: Mapping[Partition, int]
    ) -> int:
        """New dead letters go to their topic; those to be tried again go back to where they came from."""

        def publish(records: list[Record]) -> None:
            bus.publish(records, {}, lambda: self._check_while_waiting(state, ends))

        letters = state.letters_after(published, BATCH)
        if letters:
            publish([self._dead_letter(letter) for letter in letters])
            published = int(str(letters[-1]["id"]))
            state.dead_letter_published(published)
        for letter in state.letters_to_republish(BATCH):
            record = self._again(state, letter, epoch)
            if record is None:
                state.not_republished(int(str(letter["id"])), NOT_IN_LOG)
                continue
            publish([record])
            state.republished(int(str(letter["id"])))
        return published

    def _dead_letter(self, letter: Mapping[str, object]) -> Record:
        return Record(
            topic=self._topics.dead_letters.name,
            key=letter["key"],  # type: ignore[arg-type]  # bytes or None, as the column is
            value=letter["value"],  # type: ignore[arg-type]
            headers=headers.of_letter(letter),
        )

    def _again(self, state: RelayState, letter: Mapping[str, object], epoch: int) -> Record | None:
        inbox = self._topics.inbox(str(letter["topic"]))
        if inbox is not None:
            return Record(
                topic=inbox.name,
                key=letter["key"],  # type: ignore[arg-type]
                value=letter["value"],  # type: ignore[arg-type]
                headers=headers.retried(letter),
            )
        event = state.event_of(letter)
        if event is None:
            return None
        record = self._record(*event, epoch)
        return replace(record, headers={**record.headers, **headers.retried(letter)})

    def _begin_again(self, state: RelayState, lost: BrokerLostRecordsError) -> tuple[int, int, dict[Partition, int]]:
        metrics.RELAY_REFILLS.inc()
        needed = self._low_watermark()
        epoch = state.new_epoch(needed)
        log.warning("relay: %s; filling the broker again behind position %d, epoch %d", lost, needed, epoch)
        self._broker.apply_topics()
        return needed, epoch, {}

    def _report(self) -> None:
        """The specification's count of published events, by type, while there is something to count."""
        if self._published and time.monotonic() - self._counted_at > COUNT_EVERY_S:
            log.info("relay: published %s", dict(self._published.most_common()))
            self._published.clear()
            self._counted_at = time.monotonic()


def _within(events: list[tuple[int, str, bytes]]) -> list[tuple[int, str, bytes]]:
    """At most BATCH_BYTES of them, but one at least."""
    size = 0
    for count, (_, _, stored) in enumerate(events):
        size += len(stored)
        if size > BATCH_BYTES and count:
            return events[:count]
    return events


def _plain(error: Exception) -> str:
    """In one line, and Kafka's errors without what only a programmer wants to know."""
    words = reason(error) if isinstance(error, KafkaException) else str(error)
    return " ".join(words.split())
