"""The relay: publishes the log to Kafka, in order, and fills a broker that lost what it had.

One is active at a time. Its position is kept only after every record of a batch is acknowledged, so a crash
repeats records and never leaves one out; consumers are idempotent.

The embedded broker keeps everything in memory. When it was restarted, the relay sees it (a topic is gone, or a
record lands below the partition's known end), counts a new *epoch*, goes back to the lowest position that any
consumer still needs, and publishes from there. Consumers use one consumer group for each epoch, so offsets of the
lost broker are never taken for offsets of the new one.
"""

import contextlib
import json
import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import psycopg
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from contracts import headers
from contracts.codec import canonical
from contracts.event_types import EventType
from contracts.topics import Topics
from contracts.upcasters import upcast
from eventstore.errors import StoreUnavailable
from eventstore.relay_producer import BrokerLostRecords, Record, RelayProducer
from eventstore.relay_state import Partition, RelayState
from eventstore.topic_admin import TopicAdmin

log = logging.getLogger(__name__)

BATCH = 1000
BATCH_BYTES = 8 * 1024 * 1024
IDLE_S = 1.0
CHECK_S = 1.0
PATIENCE_S = 3.0
BACKOFF_MAX_S = 2.0
COUNT_EVERY_S = 60.0


class Relay:
    """`lowest_needed` gives the position up to which every consumer has dealt with everything."""

    def __init__(self, dsn: str, client: Mapping[str, str], topics: Topics, lowest_needed: Callable[[], int]) -> None:
        self._dsn = dsn
        self._client = dict(client)
        self._topics = topics
        self._lowest_needed = lowest_needed
        self._names = {str(event_type): topics.of(event_type).name for event_type in EventType}
        self._admin = AdminClient({**client, "log_level": 0})
        self._published: Counter[str] = Counter()
        self._checked_at = 0.0
        self._counted_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set, whatever breaks meanwhile."""
        failures = 0
        while not stop.is_set():
            try:
                self._lead(stop)
                failures = 0
            except (psycopg.Error, KafkaException, BufferError, StoreUnavailable) as error:
                failures += 1
                log.warning("relay: %s; trying again", " ".join(str(error).split()))
                stop.wait(min(BACKOFF_MAX_S, 0.1 * 2**failures) * random.uniform(0.5, 1.0))

    def _lead(self, stop: threading.Event) -> None:
        """Wait for the lock, then publish until something breaks or `stop` is set."""
        state = RelayState(self._dsn)
        producer: RelayProducer | None = None
        try:
            while not state.try_lock():
                if stop.wait(IDLE_S):
                    return
            self._apply_topics()
            producer = RelayProducer(self._client)
            position, epoch, letter, ends = state.load()
            log.info("relay: publishing behind position %d, epoch %d", position, epoch)
            while not stop.is_set():
                try:
                    self._check_broker(ends)
                    moved = self._publish_events(state, producer, position, epoch, ends)
                    letter = self._publish_letters(state, producer, letter, epoch)
                except BrokerLostRecords as lost:
                    position, epoch, ends = self._begin_again(state, lost)
                    producer.abandon()
                    producer = RelayProducer(self._client)
                    continue
                if moved == position:
                    state.wait(IDLE_S)
                position = moved
                self._report()
        finally:
            if producer is not None:
                producer.abandon()
            state.close()

    def _publish_events(
        self, state: RelayState, producer: RelayProducer, position: int, epoch: int, ends: dict[Partition, int]
    ) -> int:
        """One batch; returns the position reached."""
        events = _within(state.events_after(position, BATCH))
        if not events:
            return position
        # A broker that comes back empty while it is written to has no topics: its producer would wait for them.
        records = [self._record(*event, epoch) for event in events]
        ends.update(producer.publish(records, ends, lambda: self._check_patiently(ends)))
        state.save(events[-1][0], ends)
        self._published.update(event_type for _, event_type, _ in events)
        return events[-1][0]

    def _record(self, position: int, event_type: str, stored: bytes, epoch: int) -> Record:
        event = upcast(json.loads(stored))  # readers of the topics know today's shape only
        event["position"] = position
        return Record(
            topic=self._names[event_type],
            key=event["aggregate_id"].encode(),
            value=canonical(event),
            headers=headers.of_event(event, epoch),
        )

    def _publish_letters(self, state: RelayState, producer: RelayProducer, published: int, epoch: int) -> int:
        """New dead letters go to their topic; those to be tried again go back to where they came from."""
        letters = state.letters_after(published, BATCH)
        if letters:
            producer.publish([self._dead_letter(letter) for letter in letters], {})
            published = int(str(letters[-1]["id"]))
            state.dead_letter_published(published)
        for letter in state.letters_to_republish(BATCH):
            record = self._again(state, letter, epoch)
            if record is not None:
                producer.publish([record], {})
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
        if letter["topic"] == self._topics.inbox.name:
            return Record(
                topic=self._topics.inbox.name,
                key=letter["key"],  # type: ignore[arg-type]
                value=letter["value"],  # type: ignore[arg-type]
                headers=headers.retried(letter),
            )
        event = state.event(letter["event_id"]) if letter["event_id"] is not None else None
        if event is None:
            return None
        record = self._record(*event, epoch)
        return replace(record, headers={**record.headers, **headers.retried(letter)})

    def _check_broker(self, ends: Mapping[Partition, int]) -> None:
        """About once a second: is there still what we published? A broker that was restarted empty has nothing.

        Ends are only compared with nothing: the embedded broker's answer is the start of the last batch, plus one.
        """
        if time.monotonic() - self._checked_at < CHECK_S:
            return
        present = self._admin.list_topics(timeout=PATIENCE_S).topics
        missing = sorted({topic.name for topic in self._topics.all} - set(present))
        if missing and ends:
            raise BrokerLostRecords(f"the broker has no topic {missing[0]}")
        if missing:
            self._apply_topics()
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = {TopicPartition(*place): latest for place, end in ends.items() if end > 0}
        for place, answer in self._admin.list_offsets(asked, request_timeout=PATIENCE_S).items() if asked else ():
            if answer.result(PATIENCE_S).offset == 0:
                raise BrokerLostRecords(
                    f"{place.topic}/{place.partition} is empty, was at {ends[place.topic, place.partition]}"
                )
        self._checked_at = time.monotonic()

    def _check_patiently(self, ends: Mapping[Partition, int]) -> None:
        """As `_check_broker`, for a broker that may be away: whether it comes back, the producer finds out."""
        with contextlib.suppress(KafkaException):
            self._check_broker(ends)

    def _begin_again(self, state: RelayState, lost: BrokerLostRecords) -> tuple[int, int, dict[Partition, int]]:
        needed = self._lowest_needed()
        epoch = state.new_epoch(needed)
        log.warning("relay: %s; filling the broker again behind position %d, epoch %d", lost, needed, epoch)
        self._apply_topics()
        return needed, epoch, {}

    def _apply_topics(self) -> None:
        for change in TopicAdmin(self._client).apply(self._topics.all):
            log.info("relay: topic %s", change)

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
