"""What the monitor concludes from the relay's progress and the group's commits; handwritten offsets, no broker."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaException

from contracts.event_types import EventType
from contracts.topics import Partition, topics
from eventstore.errors import StoreUnavailableError
from eventstore.kafka.progress import RelayProgress
from streams import monitor, termination
from streams.batch_consumer import BatchConsumer
from streams.dead_letter_sink import DeadLetterSink
from streams.monitor import Monitor
from tests.streams.fakes import Letters, Recorder

SYSTEM = topics().of(EventType.SYSTEM_HEALTH_CHANGED).name
DOCUMENTS = topics().of(EventType.DOCUMENT_INGESTED).name
P0, OTHER = (SYSTEM, 0), (DOCUMENTS, 0)
INBOX = topics().inboxes[0].name


class Left(BaseException):
    """Raised where the process would end."""


class Clock:
    """Each turn takes a second."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


CLOCK = Clock()


Turn = tuple[RelayProgress | Exception, Mapping[Partition, int] | Exception]


@dataclass
class World:
    """The relay's progress and the group's commits, one pair a turn; after the last one the monitor is stopped."""

    turns: Sequence[Turn]
    told: list[Mapping[Partition, int]] = field(default_factory=list)
    on_turn: Callable[[int], None] = lambda turn: None
    ask_loop: Callable[[Callable[[], None]], object] = lambda answer: answer()
    starts: Mapping[Partition, int] = field(default_factory=dict)
    deleted: list[tuple[Mapping[Partition, int], int]] = field(default_factory=list)
    asked: list[Partition] = field(default_factory=list)
    beats: int = 0
    turn: int = -1
    assigned: Collection[Partition] = ()
    member: Callable[[int], bool] = lambda turn: True
    resumed: list[int] = field(default_factory=list)
    bounds: Mapping[Partition, tuple[int, int]] = field(default_factory=dict)
    positions: Mapping[Partition, int] = field(default_factory=dict)
    hung_s: float = 0.0

    def hang(self, seconds: float) -> None:
        """The monitor's own thread stands still in this turn, in a call or because the machine sleeps."""
        self.hung_s += seconds
        CLOCK.now += seconds

    def progress(self) -> RelayProgress:
        self.turn += 1
        CLOCK.now = float(self.turn) + self.hung_s
        self.on_turn(self.turn)
        if self.turn == len(self.turns) - 1:
            self.watching.stop()
        now = self.turns[self.turn][0]
        if isinstance(now, Exception):
            raise now
        return now

    def log_starts(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        self.asked.extend(partitions)
        return {partition: self.starts.get(partition, 0) for partition in partitions}

    def on_deleted(self, offsets: Mapping[Partition, int], position: int) -> None:
        self.deleted.append((offsets, position))
        self.watching.recovered(offsets)

    def beat(self) -> None:
        self.beats += 1

    def run(self, consumer: BatchConsumer[Any], stall_s: float = 3.5) -> list[Mapping[Partition, int]]:
        """All turns; returns what was said to be caught_up."""
        world, CLOCK.now = self, 0.0

        class Watching(Monitor):
            def _committed(self, progress: RelayProgress) -> dict[Partition, int]:
                now = world.turns[world.turn][1]
                if isinstance(now, Exception):
                    raise now
                return dict(now)

            def _bounds(self, partition: Partition) -> tuple[int, int]:
                return world.bounds.get(partition, (0, 0))

        self.watching = Watching(
            client={"log_level": "0"},
            group="g",
            epoch=1,
            progress=self.progress,
            consumers=[consumer],
            on_caught_up=self.told.append,
            log_starts=self.log_starts,
            on_deleted=self.on_deleted,
            stall_s=stall_s,
            ask_loop=self.ask_loop,
            beat=self.beat,
            assigned=lambda: self.assigned,
            positions=lambda: self.positions,
            is_member=lambda: self.member(self.turn),
            resume=lambda: self.resumed.append(self.turn),
        )
        try:
            self.watching.run()
        finally:
            self.watching._consumer.close()
        assert self.turn == len(self.turns) - 1
        return self.told


@pytest.fixture
def consumer() -> BatchConsumer[str]:
    """Follows a topic of one partition."""
    return BatchConsumer(Recorder(topics=(SYSTEM,)), DeadLetterSink(Letters(), topics()))


@pytest.fixture(autouse=True)
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The exit codes with which the process would have ended."""
    codes: list[int] = []

    def leave(code: int, why: str) -> None:
        codes.append(code)
        raise Left(why)

    monkeypatch.setattr(termination, "terminate", leave)
    monkeypatch.setattr(monitor, "INTERVAL_S", 0.001)
    monkeypatch.setattr(monitor, "time", CLOCK)
    CLOCK.now = 0.0
    yield codes


def relayed(position: int, epoch: int = 1, **ends: int) -> RelayProgress:
    """`p0` and `other` are the ends of the partitions, where anything was published to them."""
    partitions = {"p0": P0, "other": OTHER}
    return RelayProgress(
        position=position, epoch=epoch, next_offsets={partitions[name]: end for name, end in ends.items()}
    )


def test_a_partition_that_caught_up_is_done_up_to_the_relays_position(consumer: BatchConsumer[str]) -> None:
    turns = [(relayed(50, p0=10), {P0: 9}), (relayed(50, p0=10), {P0: 10})]
    assert World(turns).run(consumer) == [{P0: 50}]


def test_what_was_told_is_not_told_again_until_the_relay_moves_on(consumer: BatchConsumer[str]) -> None:
    told = World([(relayed(position, p0=10), {P0: 10}) for position in (50, 50, 50, 60)]).run(consumer)
    assert told == [{P0: 50}, {P0: 60}]


def test_a_partition_that_never_had_anything_is_as_far_as_the_relay() -> None:
    consumer = BatchConsumer(Recorder(topics=(DOCUMENTS,)), DeadLetterSink(Letters(), topics()))
    partitions = topics().of(EventType.DOCUMENT_INGESTED).partitions
    (told,) = World([(relayed(50, p0=5, other=5), {OTHER: 4})]).run(consumer)
    assert told == {(DOCUMENTS, number): 50 for number in range(1, partitions)}


def test_topics_of_others_are_not_waited_for(consumer: BatchConsumer[str]) -> None:
    assert World([(relayed(50, p0=5, other=5), {P0: 5})]).run(consumer) == [{P0: 50}]


def test_a_broker_that_was_filled_anew_ends_the_worker(consumer: BatchConsumer[str], left: list[int]) -> None:
    world = World([(relayed(50, p0=10), {P0: 5}), (relayed(10, epoch=2, p0=10), {P0: 10})])
    with pytest.raises(Left):
        world.run(consumer)
    assert left == [termination.NEW_EPOCH]
    assert world.told == []


def test_no_progress_in_spite_of_lag_ends_the_worker(consumer: BatchConsumer[str], left: list[int]) -> None:
    stands_still = (relayed(50, p0=10), {P0: 5})
    World([stands_still] * 4).run(consumer)
    assert left == []
    with pytest.raises(Left, match="no progress for 4 s in spite of lag"):
        World([stands_still] * 6).run(consumer)
    assert left == [termination.STALLED]


def test_an_inbox_that_nobody_takes_in_is_lag_though_the_relay_does_not_write_it(left: list[int]) -> None:
    consumer = BatchConsumer(Recorder(topics=(INBOX,)), DeadLetterSink(Letters(), topics()))
    mine, anothers = (INBOX, 0), (INBOX, 1)
    turns = [(relayed(50), {mine: 5, anothers: 5})] * 6
    World(turns, assigned=[mine], bounds={mine: (0, 5), anothers: (0, 9)}).run(consumer)
    assert left == []
    with pytest.raises(Left, match="no progress for 4 s in spite of lag"):
        World(turns, assigned=[mine], bounds={mine: (0, 6)}).run(consumer)
    assert left == [termination.STALLED]


def test_the_marks_of_a_producers_transactions_are_no_lag(left: list[int]) -> None:
    """They have offsets of their own: of an inbox that was read to its end one less is committed."""
    consumer = BatchConsumer(Recorder(topics=(INBOX,)), DeadLetterSink(Letters(), topics()))
    mine = (INBOX, 0)
    World([(relayed(50), {mine: 5})] * 8, assigned=[mine], bounds={mine: (0, 6)}, positions={mine: 6}).run(consumer)
    assert left == []


def test_what_was_deleted_unread_of_an_inbox_is_not_waited_for(left: list[int]) -> None:
    consumer = BatchConsumer(Recorder(topics=(INBOX,)), DeadLetterSink(Letters(), topics()))
    mine = (INBOX, 0)
    world = World([(relayed(50), {mine: 5})] * 8, assigned=[mine], bounds={mine: (9, 9)})
    world.run(consumer)
    assert left == [] and world.resumed == []


STANDS_STILL = (relayed(50, p0=10), {P0: 5})


def test_a_partition_that_lags_with_nothing_delivered_is_resumed_with_growing_pauses(
    consumer: BatchConsumer[str],
) -> None:
    world = World([STANDS_STILL] * 34, assigned=[P0])
    world.run(consumer, stall_s=60.0)
    # Seen from turn 0, whose clock stands at the start of watching as that of turn 1 does.
    assert world.resumed == [5, 13, 29]


@pytest.mark.parametrize("state", ["is_full", "is_paused", "waits_for_store"])
def test_who_reads_nothing_for_a_reason_is_not_resumed(
    consumer: BatchConsumer[str], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchConsumer, state, True)
    world = World([STANDS_STILL] * 20, assigned=[P0])
    world.run(consumer, stall_s=60.0)
    assert world.resumed == []


def test_partitions_of_others_in_hand_or_moving_are_not_resumed(
    consumer: BatchConsumer[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_another = World([STANDS_STILL] * 20)
    of_another.run(consumer, stall_s=60.0)
    moving = World([(relayed(50, p0=100), {P0: turn // 3}) for turn in range(20)], assigned=[P0])
    moving.run(consumer)
    monkeypatch.setattr(BatchConsumer, "holds", lambda self, partition: partition == P0)
    in_hand = World([STANDS_STILL] * 20, assigned=[P0])
    in_hand.run(consumer, stall_s=60.0)
    assert of_another.resumed == moving.resumed == in_hand.resumed == []


def test_one_partition_that_stands_still_is_resumed_though_others_move() -> None:
    consumer = BatchConsumer(Recorder(topics=(DOCUMENTS,)), DeadLetterSink(Letters(), topics()))
    still = (DOCUMENTS, 1)
    ends = RelayProgress(position=50, epoch=1, next_offsets={OTHER: 100, still: 5})
    world = World([(ends, {OTHER: turn, still: 2}) for turn in range(8)], assigned=[OTHER, still])
    world.run(consumer)
    assert world.resumed == [5]


def test_commits_that_move_are_progress(consumer: BatchConsumer[str], left: list[int]) -> None:
    World([(relayed(50, p0=100), {P0: turn}) for turn in range(20)]).run(consumer)
    assert left == []


def test_work_that_is_done_but_not_committed_yet_is_progress(consumer: BatchConsumer[str], left: list[int]) -> None:
    def work(turn: int) -> None:
        consumer._handling.processed = turn

    World([(relayed(50, p0=100), {P0: 5})] * 20, on_turn=work).run(consumer)
    assert left == []


def test_without_lag_a_worker_may_rest(consumer: BatchConsumer[str], left: list[int]) -> None:
    World([(relayed(50, p0=10), {P0: 10})] * 20).run(consumer)
    assert left == []


def test_lag_of_another_workers_partitions_ends_nobody(left: list[int]) -> None:
    consumer = BatchConsumer(Recorder(topics=(DOCUMENTS,)), DeadLetterSink(Letters(), topics()))
    anothers = (DOCUMENTS, 1)
    progress = RelayProgress(position=50, epoch=1, next_offsets={OTHER: 10, anothers: 10})
    World([(progress, {OTHER: 10, anothers: 5})] * 20, assigned=[OTHER]).run(consumer)
    assert left == []


def test_events_in_hand_are_lag_even_where_all_is_committed(
    consumer: BatchConsumer[str], left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchConsumer, "holds_work", True)
    with pytest.raises(Left):
        World([(relayed(50, p0=10), {P0: 10})] * 6).run(consumer)
    assert left == [termination.STALLED]


def test_who_waits_for_a_store_does_not_stand_still(consumer: BatchConsumer[str], left: list[int]) -> None:
    def back_in_turn_10(turn: int) -> None:
        consumer._handling.stores_away = int(turn < 10)

    stands_still = (relayed(50, p0=10), {P0: 5})
    World([stands_still] * 13, on_turn=back_in_turn_10).run(consumer)
    assert left == []
    with pytest.raises(Left, match="no progress"):
        World([stands_still] * 15, on_turn=back_in_turn_10).run(consumer)


def test_a_batch_that_takes_its_time_is_no_standstill_up_to_a_limit(
    consumer: BatchConsumer[str], left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "WORK_LIMIT_S", 10.0)
    monkeypatch.setattr(BatchConsumer, "at_work", True)
    stands_still = (relayed(50, p0=10), {P0: 5})
    World([stands_still] * 10).run(consumer)
    assert left == []
    with pytest.raises(Left, match="no progress for 10 s"):
        World([stands_still] * 13).run(consumer)


def test_an_event_loop_that_stands_still_ends_the_worker(consumer: BatchConsumer[str], left: list[int]) -> None:
    at_rest = (relayed(50, p0=10), {P0: 10})
    with pytest.raises(Left, match="event loop stood still for 4 s"):
        World([at_rest] * 6, ask_loop=lambda answer: None).run(consumer)
    assert left == [termination.STALLED]


@pytest.mark.parametrize("unavailable", [False, True])
def test_time_in_which_the_monitor_itself_hung_is_held_against_nobody(
    consumer: BatchConsumer[str], left: list[int], unavailable: bool
) -> None:
    stands_still: Turn = (relayed(50, p0=10), {P0: 5})
    away: Turn = (StoreUnavailableError("no answer in time"), {}) if unavailable else stands_still
    pending: list[Callable[[], None]] = []
    world = World([stands_still, away, away, stands_still], ask_loop=pending.append)

    def hang(turn: int) -> None:
        # The loop answers at once when it is asked, which is a little after the asking.
        for answer in pending:
            answer()
        pending.clear()
        if turn in {1, 2}:
            world.hang(100.0)

    world.on_turn = hang
    world.run(consumer)
    assert left == []


def test_an_event_loop_that_stands_still_since_the_machine_slept_ends_the_worker_in_its_time(
    consumer: BatchConsumer[str], left: list[int]
) -> None:
    world = World([(relayed(50, p0=10), {P0: 10})] * 8, ask_loop=lambda answer: None)
    world.on_turn = lambda turn: world.hang(100.0) if turn == 2 else None
    with pytest.raises(Left, match="event loop stood still"):
        world.run(consumer)
    assert left == [termination.STALLED] and world.turn > 4


def test_only_an_event_loop_that_answers_makes_a_sign_of_life(consumer: BatchConsumer[str]) -> None:
    at_rest = (relayed(50, p0=10), {P0: 10})
    answering = World([at_rest] * 5)
    answering.run(consumer)
    assert answering.beats == 3, "the clock stands still over the first two turns"
    silent = World([at_rest] * 3, ask_loop=lambda answer: None)
    silent.run(consumer)
    assert silent.beats == 0


@pytest.mark.parametrize("away", [StoreUnavailableError("no database"), KafkaException("no broker")])
def test_while_progress_cannot_be_told_nobody_is_blamed(
    consumer: BatchConsumer[str], left: list[int], away: Exception
) -> None:
    by_progress = isinstance(away, StoreUnavailableError)
    trouble: Turn = (away, {}) if by_progress else (relayed(50, p0=10), away)
    stands_still = (relayed(50, p0=10), {P0: 5})
    World([stands_still, *[trouble] * 10, *[stands_still] * 3]).run(consumer)
    assert left == []


def test_a_monitor_that_fails_ends_the_worker(consumer: BatchConsumer[str], left: list[int]) -> None:
    def fail(turn: int) -> None:
        raise AttributeError("tps")

    with pytest.raises(Left, match="nobody watches it any more: AttributeError"):
        World([(relayed(50, p0=10), {P0: 10})] * 2, on_turn=fail).run(consumer)
    assert left == [termination.STALLED]


def test_a_worker_that_stays_out_of_its_group_ends_though_others_do_its_work(
    consumer: BatchConsumer[str], left: list[int]
) -> None:
    nothing_to_do = [(relayed(5, p0=3), {P0: 3})] * 200
    World(nothing_to_do, member=lambda turn: turn % 80 == 0).run(consumer)
    assert left == [], "it is back in time"
    with pytest.raises(Left, match="in no consumer group for 90 s"):
        World(nothing_to_do, member=lambda turn: turn < 20).run(consumer)
    assert left == [termination.STALLED]
    away = [(relayed(5, p0=3), KafkaException("away"))] * 200
    World(away, member=lambda turn: False).run(consumer)
    assert left == [termination.STALLED], "where Kafka is away nobody can join"


def test_where_kafka_has_nothing_left_the_events_are_recovered_before_anything_is_done(
    consumer: BatchConsumer[str],
) -> None:
    world = World([(relayed(50, p0=10), {P0: 4})] * 3, starts={P0: 10})
    assert world.run(consumer) == [{P0: 50}]
    assert world.deleted == [({P0: 10}, 50)], "once, and the partition is done only then"


def test_where_kafka_has_something_left_the_consumer_sees_the_gap_itself(consumer: BatchConsumer[str]) -> None:
    world = World([(relayed(50, p0=10), {P0: 4})] * 3, starts={P0: 9})
    assert (world.run(consumer), world.deleted) == ([], [])


def test_kafka_is_not_asked_for_partitions_that_caught_up(consumer: BatchConsumer[str]) -> None:
    world = World([(relayed(50, p0=10), {P0: 10})] * 3)
    world.run(consumer)
    assert world.asked == []
