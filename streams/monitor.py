"""Watches a worker from its own thread: says how far it is, and ends it when it no longer gets anywhere."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from contracts.topics import Partition, topics
from eventstore.errors import StoreUnavailableError, reason_of
from eventstore.kafka.progress import RelayProgress
from streams import termination
from streams.batch_consumer import BatchConsumer
from streams.missed_events import LogStarts
from streams.undelivered import Undelivered

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
WORK_LIMIT_S = 1800.0
"""A batch of large documents takes minutes; one that takes longer than this hangs."""
PATIENCE_S = 3.0
OUTSIDE_S = 90.0
"""A rebalance takes at most a minute (Faust's `broker_rebalance_timeout`); who is in no group for longer stays so."""
LONGEST_TURN_S = 5.0
"""A turn that took longer tells nothing of the worker: this thread was blocked, or the machine slept."""


class Monitor(threading.Thread):
    """Once a second: compares what the group committed with what the relay published.

    A partition whose commits have caught up with the relay is done up to the relay's position, even when its last
    event is old; `on_caught_up` is told so. Four things end the process, to be started again by whoever
    supervises it: the broker was filled anew (its old offsets mean nothing), no progress in spite of lag for
    `stall_s` (faust-streaming #175, #523, #640: consumers that quietly stop), an event loop that stands still, and to
    be in no consumer group for OUTSIDE_S while Kafka answers: others do the work then, so nothing lags.
    Before that, where a partition that is `assigned` to this worker lags and nothing of it was delivered for
    UNDELIVERED_S, `resume` has Faust begin again from what is committed: a disturbed rebalance leaves partitions
    paused, and a commit that failed is not tried again before the next message. `positions`: up to where it read each.

    To wait for a store that is away is no standstill: the batch consumer sees to the end of that. To be paused is none
    either, nor is a batch that takes its time, up to WORK_LIMIT_S. Time in which this thread itself was blocked, by a
    database that hangs or a machine that slept, is not counted. `ask_loop` has the event loop call something, as
    `call_soon_threadsafe` does; `beat` is called where it did.
    """

    def __init__(
        self,
        *,
        client: Mapping[str, str],
        group: str,
        epoch: int,
        progress: Callable[[], RelayProgress],
        consumers: Sequence[BatchConsumer[Any]],
        on_caught_up: Callable[[Mapping[Partition, int]], None],
        log_starts: LogStarts,
        on_deleted: Callable[[Mapping[Partition, int], int], None],
        stall_s: float,
        ask_loop: Callable[[Callable[[], None]], object],
        beat: Callable[[], None],
        assigned: Callable[[], Collection[Partition]],
        positions: Callable[[], Mapping[Partition, int]],
        is_member: Callable[[], bool],
        resume: Callable[[], None],
    ) -> None:
        super().__init__(name="monitor", daemon=True)
        self._consumer = Consumer({**client, "group.id": group, "enable.auto.commit": False, "log_level": "0"})
        self._epoch = epoch
        self._read_progress = progress
        self._consumers = consumers
        followed = {topic for consumer in consumers for topic in consumer.handler.topics}
        # All partitions, also those that never had anything: they are as far as the relay is.
        self._followed = [
            partition for topic in topics().all if topic.name in followed for partition in topic.all_partitions
        ]
        self._on_caught_up = on_caught_up
        self._log_starts = log_starts
        self._on_deleted = on_deleted
        self._deleted: dict[Partition, int] = {}
        self._recovered: dict[Partition, int] = {}
        self._stall_s = stall_s
        self._ask_loop = ask_loop
        self._beat = beat
        self._assigned = assigned
        self._positions = positions
        self._is_member = is_member
        self._resume = resume
        self._inboxes = {inbox.name for inbox in topics().inboxes}
        self._undelivered = Undelivered()
        self._watched_s = 0.0
        self._answered_at = 0.0
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let the thread end at its next turn."""
        self._stopped.set()

    def run(self) -> None:
        """Sample until stopped. A worker that nobody watches ends, too."""
        try:
            self._watch()
        except Exception as error:
            log.exception("the monitor failed")
            termination.terminate(termination.STALLED, f"nobody watches it any more: {error!r}")

    def _watch(self) -> None:
        moved_at, seen, turned_at = self._watched_s, (-1, -1), time.monotonic()
        member_at = self._watched_s
        told: dict[Partition, int] = {}
        self._answer()
        beaten_at = self._answered_at
        while not self._stopped.wait(INTERVAL_S):
            turned_at, before = time.monotonic(), turned_at
            self._watched_s += turned_at - before if turned_at - before < LONGEST_TURN_S else INTERVAL_S
            self._ask_loop(self._answer)
            if self._watched_s - self._answered_at > self._stall_s:
                termination.terminate(termination.STALLED, f"the event loop stood still for {self._stall_s:.0f} s")
            if self._answered_at > beaten_at:
                beaten_at = self._answered_at
                self._beat()
            try:
                progress = self._read_progress()
                committed = self._beyond_deleted(self._committed(progress), progress)
                ends = {**progress.next_offsets, **self._inbox_ends()}
            except (StoreUnavailableError, KafkaException) as error:
                log.warning("cannot tell the worker's progress: %s", reason_of(error))
                moved_at = member_at = self._watched_s
                continue
            if progress.epoch != self._epoch:
                termination.terminate(termination.NEW_EPOCH, "the broker was filled anew from the log; starting afresh")
            if self._is_member():
                member_at = self._watched_s
            elif self._watched_s - member_at > OUTSIDE_S:
                termination.terminate(termination.STALLED, f"in no consumer group for {OUTSIDE_S:.0f} s")
            caught_up = {
                partition: progress.position
                for partition in self._followed
                if committed.get(partition, 0) >= progress.next_offsets.get(partition, 0)
            }
            news = {
                partition: position for partition, position in caught_up.items() if told.get(partition, -1) < position
            }
            if news:
                self._on_caught_up(news)
                told.update(news)
            self._resume_undelivered(committed, ends)
            counts = (sum(consumer.processed for consumer in self._consumers), sum(committed.values()))
            own = self._assigned() or self._followed
            read = {**committed, **self._read_of_inboxes(committed)}
            behind = any(read.get(partition, 0) < ends.get(partition, 0) for partition in own)
            lagging = behind or any(consumer.holds_work for consumer in self._consumers)
            waits = any(consumer.waits_for_store or consumer.is_paused for consumer in self._consumers)
            if counts != seen or not lagging or waits:
                moved_at, seen = self._watched_s, counts
            else:
                is_busy = any(consumer.at_work or consumer.recovering for consumer in self._consumers)
                limit = WORK_LIMIT_S if is_busy else self._stall_s
                if self._watched_s - moved_at > limit:
                    termination.terminate(termination.STALLED, f"no progress for {limit:.0f} s in spite of lag")

    def recovered(self, offsets: Mapping[Partition, int]) -> None:
        """What Kafka deleted up to these offsets was processed all the same."""
        self._recovered = {**self._recovered, **offsets}

    def _beyond_deleted(self, committed: Mapping[Partition, int], progress: RelayProgress) -> dict[Partition, int]:
        """`committed`, or further on where Kafka has nothing left to deliver and the events were recovered.

        `on_deleted` is told such partitions, with the offset and the position up to which events are missing.
        """
        done = {partition: max(offset, self._recovered.get(partition, 0)) for partition, offset in committed.items()}
        lagging = [
            partition
            for partition in self._followed
            if done.get(partition, 0) < progress.next_offsets.get(partition, 0)
        ]
        ends = {
            partition: progress.next_offsets[partition]
            for partition, start in self._log_starts(lagging).items()
            if start >= progress.next_offsets[partition]
        }
        news = {partition: end for partition, end in ends.items() if self._deleted.get(partition, 0) < end}
        if news:
            self._deleted.update(news)
            self._on_deleted(news, progress.position)
        return done

    def _answer(self) -> None:
        self._answered_at = self._watched_s

    def _resume_undelivered(self, committed: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        held_back = any(
            one.is_full or one.is_paused or one.waits_for_store or one.recovering for one in self._consumers
        )
        undelivered = {
            partition: committed.get(partition, 0)
            for partition in (() if held_back else self._assigned())
            if committed.get(partition, 0) < ends.get(partition, 0)
            and not any(consumer.holds(partition) for consumer in self._consumers)
        }
        if self._undelivered.is_due(undelivered, self._watched_s):
            log.warning("nothing of %s is delivered; beginning again from the commits", sorted(undelivered))
            self._resume()

    def _read_of_inboxes(self, committed: Mapping[Partition, int]) -> dict[Partition, int]:
        """How far inboxes were read: marks of a producer's transactions are no messages, and nobody commits them."""
        return {
            partition: max(position, committed.get(partition, 0))
            for partition, position in self._positions().items()
            if partition[0] in self._inboxes
        }

    def _inbox_ends(self) -> dict[Partition, int]:
        """Where the partitions of inboxes end, which the relay does not write; of those that hold anything."""
        bounds = {partition: self._bounds(partition) for partition in self._followed if partition[0] in self._inboxes}
        # What retention deleted unread is not committed, and never comes.
        return {partition: end for partition, (start, end) in bounds.items() if start < end}

    def _bounds(self, partition: Partition) -> tuple[int, int]:
        """Offsets of the first record and behind the last one."""
        start, end = self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=PATIENCE_S)
        return start, end

    def _committed(self, progress: RelayProgress) -> dict[Partition, int]:
        asked = [
            TopicPartition(*partition)
            for partition in self._followed
            if partition in progress.next_offsets or partition[0] in self._inboxes
        ]
        if not asked:
            return {}
        return {
            (found.topic, found.partition): max(found.offset, 0)
            for found in self._consumer.committed(asked, timeout=PATIENCE_S)
        }
