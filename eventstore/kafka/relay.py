"""The relay: publishes the log to Kafka, in order, and fills a broker that lost what it had.

One is active at a time: the one that holds a lock in PostgreSQL. It reads over the very connection of the lock before
it publishes, asks it every second while it waits for the broker, and drops what is queued as soon as that fails. Its
position is kept only after every record of a batch is acknowledged, so a crash repeats records and never leaves
one out; consumers are idempotent.

An event that cannot be published, because its stored bytes cannot be read or the broker refuses it for its size,
becomes a dead letter of the consumer "relay" in the step that moves the position behind it; all others go on. At one
of a type that only a newer Annals knows the relay ends, with nothing published past it.

The embedded broker keeps everything in memory. When it was restarted, the relay sees it (a topic is gone, or a
record lands below the partition's known end), counts a new *epoch*, goes back to the lowest position that any
consumer still needs, and publishes from there. Consumers use one consumer group for each epoch, so offsets of the
lost broker are never taken for offsets of the new one.
"""

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import psycopg
from confluent_kafka import KafkaException

from contracts.codec import NewerSchemaError
from contracts.limits import BATCH_BYTES
from contracts.topics import Partition, Topics
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.kafka.admin import reason
from eventstore.kafka.broker_check import BrokerCheck
from eventstore.kafka.message_bus import BrokerLostRecordsError, KafkaMessageBus, Refused
from eventstore.kafka.records import Record, Records, StoredEvent, UnpublishableError
from eventstore.kafka.relay_state import RelayState
from security.errors import EncryptionError
from telemetry import metrics

log = logging.getLogger(__name__)

BATCH = 1000
IDLE_S = 1.0
BACKOFF_MAX_S = 2.0
COUNT_EVERY_S = 60.0


Opener = Callable[[Sequence[bytes]], Sequence[bytes | None]]
"""Raises StoreUnavailableError, EncryptionError."""


class Relay:
    """`overall_low_watermark` gives the position up to which every consumer has processed everything.

    `beat` is called about once a second while it publishes, or waits for another one to end. `opener` opens the stored
    bytes of events; what was erased is None, and is not published.
    """

    def __init__(
        self,
        dsn: str,
        client: Mapping[str, str],
        topics: Topics,
        overall_low_watermark: Callable[[], int],
        beat: Callable[[], None],
        opener: Opener,
    ) -> None:
        self._dsn = dsn
        self._opened = opener
        self._client = dict(client)
        self._topics = topics
        self._low_watermark = overall_low_watermark
        self._beat = beat
        self._records = Records(topics)
        self._published: Counter[str] = Counter()
        self._counted_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Relay until `stop` is set, whatever breaks meanwhile.

        Raises NewerSchemaError at an event that only a newer relay knows where to publish.
        """
        failures = 0
        while not stop.is_set():
            try:
                self._lead(stop)
                failures = 0
            except (psycopg.Error, KafkaException, BufferError, StoreUnavailableError, EncryptionError) as error:
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
                    moved, is_last = self._publish_events(state, bus, position, epoch, ends)
                    if state.has_others(letter):
                        letter = self._publish_letters(state, bus, letter, epoch, ends)
                        self._publish_requested(state, bus, epoch, moved)
                except BrokerLostRecordsError as lost:
                    # First of all: what is queued bears the old epoch, and would land as soon as there are topics.
                    bus.abandon()
                    position, epoch, ends = self._begin_again(state, lost)
                    bus = KafkaMessageBus(self._client)
                    continue
                self._beat()
                position = moved
                if is_last:
                    state.wait(IDLE_S)
                self._report()
        finally:
            # Before the lock is given up with the connection.
            if bus is not None:
                bus.abandon()
            state.close()

    def _publish_events(
        self, state: RelayState, bus: KafkaMessageBus, position: int, epoch: int, ends: dict[Partition, int]
    ) -> tuple[int, bool]:
        """One batch; returns the position reached, and whether it is the last one: who appends more says so."""
        began = time.monotonic()
        events = state.events_after(position, BATCH)
        if not events:
            return position, True
        # Half of what a batch may hold: another event would have had room in it.
        is_last = len(events) < BATCH and sum(len(event.state) for event in events) < BATCH_BYTES // 2
        records: list[Record] = []
        taken: list[StoredEvent] = []
        unpublished: list[tuple[StoredEvent, str]] = []
        erased: set[int] = set()
        for event, clear in zip(events, self._opened([event.state for event in events]), strict=True):
            if clear is None:
                erased.add(event.position)
                continue
            event = event._replace(state=clear)
            try:
                records.append(self._records.event(event, epoch))
                taken.append(event)
            except NewerSchemaError:
                # What precedes it is published first.
                events = events[: len(taken) + len(unpublished) + len(erased)]
                is_last = False
                if not events:
                    raise
                break
            except UnpublishableError as error:
                unpublished.append((event, str(error)))
        published = bus.publish(records, ends, lambda: self._check_while_waiting(state, ends))
        ends.update(published.ends)
        for refused in published.refused:
            event = taken[refused.index]
            unpublished.append((event, f"Kafka does not take it ({len(event.state):,} bytes): {refused.cause}"))
        state.save(events[-1].position, published.ends, unpublished)
        for event, cause in unpublished:
            log.warning("relay: dead letter of %s at position %d: %s", event.event_type, event.position, cause)
        metrics.RELAY_BATCH_SECONDS.observe(time.monotonic() - began)
        set_aside = erased | {event.position for event, _ in unpublished}
        for event in events:
            if event.position not in set_aside:
                metrics.PUBLISHED.labels(event.event_type).inc()
                self._published[event.event_type] += 1
        return events[-1].position, is_last

    def _check_while_waiting(self, state: RelayState, ends: Mapping[Partition, int]) -> None:
        """Are we still the one? And a broker that came back empty has no topics: the producer would wait for them."""
        state.check_lock()
        self._broker.check_while_waiting(ends)

    def _publish_requested(self, state: RelayState, bus: KafkaMessageBus, epoch: int, newest: int) -> None:
        """Events of documents that are to be processed once more, and that were published before."""
        for position in state.requested(BATCH):
            if position > newest:
                break
            for event in state.events_after(position - 1, 1):
                (clear,) = self._opened([event.state])
                if clear is None:
                    continue
                try:
                    records = [self._records.event(event._replace(state=clear), epoch)]
                except UnpublishableError as error:
                    log.warning("relay: the event at position %d is not published again: %s", position, error)
                    continue
                for refused in bus.publish(records, {}, state.check_lock).refused:
                    log.warning("relay: the event at position %d is not published again: %s", position, refused.cause)
            state.request_done(position)

    def _publish_letters(
        self, state: RelayState, bus: KafkaMessageBus, published: int, epoch: int, ends: Mapping[Partition, int]
    ) -> int:
        """New dead letters go to their topic; those to be tried again go back to where they came from."""

        def publish(records: list[Record]) -> Sequence[Refused]:
            return bus.publish(records, {}, lambda: self._check_while_waiting(state, ends)).refused

        letters = state.letters_after(published, BATCH)
        if letters:
            for refused in publish([self._records.dead_letter(letter) for letter in letters]):
                # It is kept in the database all the same.
                log.warning("relay: dead letter %s is not published: %s", letters[refused.index]["id"], refused.cause)
            published = int(str(letters[-1]["id"]))
            state.dead_letter_published(published)
        for letter in state.letters_to_republish(BATCH):
            letter_id = int(str(letter["id"]))
            try:
                stored = self._event_of(state, letter)
                refused_again = publish([self._records.retried(letter, stored, epoch)])
            except UnpublishableError as error:
                state.not_republished(letter_id, str(error))
                continue
            if refused_again:
                state.not_republished(letter_id, f"Kafka does not take it: {refused_again[0].cause}")
            else:
                state.republished(letter_id)
        return published

    def _event_of(self, state: RelayState, letter: Mapping[str, object]) -> StoredEvent | None:
        stored = state.event_of(letter)
        clear = None if stored is None else self._opened([stored.state])[0]
        return None if stored is None or clear is None else stored._replace(state=clear)

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


def _plain(error: Exception) -> str:
    """In one line, and Kafka's errors without what only a programmer wants to know."""
    return " ".join(reason(error).split()) if isinstance(error, KafkaException) else reason_of(error)
