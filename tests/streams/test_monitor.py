"""What the monitor concludes from the relay's mark and the group's commits; offsets are handwritten, no broker runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaException

from contracts.event_types import EventType
from contracts.topics import Partition, topics
from eventstore.errors import StoreUnavailable
from eventstore.marks import RelayMark
from streams import exits, monitor
from streams.drain import Drain
from streams.graveyard import Graveyard
from streams.monitor import Monitor
from tests.streams.fakes import Letters, Recorder

SYSTEM = topics().of(EventType.SYSTEM_HEALTH_CHANGED).name
DOCUMENTS = topics().of(EventType.DOCUMENT_INGESTED).name
P0, OTHER = (SYSTEM, 0), (DOCUMENTS, 0)


class Left(BaseException):
    """Raised where the process would end."""


class Clock:
    """Each turn takes a second."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


CLOCK = Clock()


Turn = tuple[RelayMark | Exception, Mapping[Partition, int] | Exception]


@dataclass
class World:
    """The relay's marks and the group's commits, one pair a turn; after the last one the monitor is stopped."""

    turns: Sequence[Turn]
    told: list[Mapping[Partition, int]] = field(default_factory=list)
    on_turn: Callable[[int], None] = lambda turn: None
    ask_loop: Callable[[Callable[[], None]], object] = lambda answer: answer()
    beats: int = 0
    turn: int = -1

    def mark(self) -> RelayMark:
        self.turn += 1
        CLOCK.now = float(self.turn)
        self.on_turn(self.turn)
        if self.turn == len(self.turns) - 1:
            self.watching.stop()
        now = self.turns[self.turn][0]
        if isinstance(now, Exception):
            raise now
        return now

    def beat(self) -> None:
        self.beats += 1

    def run(self, drain: Drain[Any], stall_s: float = 3.5) -> list[Mapping[Partition, int]]:
        """All turns; returns what was said to be drained."""
        world = self

        class Watching(Monitor):
            def _committed(self, mark: RelayMark) -> dict[Partition, int]:
                now = world.turns[world.turn][1]
                if isinstance(now, Exception):
                    raise now
                return dict(now)

        self.watching = Watching(
            client={"log_level": "0"},
            group="g",
            epoch=1,
            mark=self.mark,
            drains=[drain],
            on_drained=self.told.append,
            stall_s=stall_s,
            ask_loop=self.ask_loop,
            beat=self.beat,
        )
        try:
            self.watching.run()
        finally:
            self.watching._consumer.close()
        assert self.turn == len(self.turns) - 1
        return self.told


@pytest.fixture
def drain() -> Drain[str]:
    """Follows a topic of one partition."""
    return Drain(Recorder(topics=(SYSTEM,)), Graveyard(Letters()))


@pytest.fixture(autouse=True)
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The exit codes with which the process would have ended."""
    codes: list[int] = []

    def leave(code: int, why: str) -> None:
        codes.append(code)
        raise Left(why)

    monkeypatch.setattr(exits, "leave", leave)
    monkeypatch.setattr(monitor, "INTERVAL_S", 0.001)
    monkeypatch.setattr(monitor, "time", CLOCK)
    CLOCK.now = 0.0
    yield codes


def mark(position: int, epoch: int = 1, **ends: int) -> RelayMark:
    """`p0` and `other` are the ends of the partitions, where anything was published to them."""
    places = {"p0": P0, "other": OTHER}
    return RelayMark(position=position, epoch=epoch, next_offsets={places[name]: end for name, end in ends.items()})


def test_a_partition_that_caught_up_is_done_up_to_the_relays_position(drain: Drain[str]) -> None:
    turns = [(mark(50, p0=10), {P0: 9}), (mark(50, p0=10), {P0: 10})]
    assert World(turns).run(drain) == [{P0: 50}]


def test_what_was_told_is_not_told_again_until_the_relay_moves_on(drain: Drain[str]) -> None:
    told = World([(mark(position, p0=10), {P0: 10}) for position in (50, 50, 50, 60)]).run(drain)
    assert told == [{P0: 50}, {P0: 60}]


def test_a_partition_that_never_had_anything_is_as_far_as_the_relay() -> None:
    drain = Drain(Recorder(topics=(DOCUMENTS,)), Graveyard(Letters()))
    partitions = topics().of(EventType.DOCUMENT_INGESTED).partitions
    (told,) = World([(mark(50, p0=5, other=5), {OTHER: 4})]).run(drain)
    assert told == {(DOCUMENTS, number): 50 for number in range(1, partitions)}


def test_topics_of_others_are_not_waited_for(drain: Drain[str]) -> None:
    assert World([(mark(50, p0=5, other=5), {P0: 5})]).run(drain) == [{P0: 50}]


def test_a_broker_that_was_filled_anew_ends_the_worker(drain: Drain[str], left: list[int]) -> None:
    world = World([(mark(50, p0=10), {P0: 5}), (mark(10, epoch=2, p0=10), {P0: 10})])
    with pytest.raises(Left):
        world.run(drain)
    assert left == [exits.NEW_EPOCH]
    assert world.told == []


def test_no_progress_in_spite_of_lag_ends_the_worker(drain: Drain[str], left: list[int]) -> None:
    stands_still = (mark(50, p0=10), {P0: 5})
    World([stands_still] * 4).run(drain)
    assert left == []
    with pytest.raises(Left, match="no progress for 4 s in spite of lag"):
        World([stands_still] * 5).run(drain)
    assert left == [exits.STALLED]


def test_commits_that_move_are_progress(drain: Drain[str], left: list[int]) -> None:
    World([(mark(50, p0=100), {P0: turn}) for turn in range(20)]).run(drain)
    assert left == []


def test_work_that_is_done_but_not_committed_yet_is_progress(drain: Drain[str], left: list[int]) -> None:
    def work(turn: int) -> None:
        drain.dealt_with = turn

    World([(mark(50, p0=100), {P0: 5})] * 20, on_turn=work).run(drain)
    assert left == []


def test_without_lag_a_worker_may_rest(drain: Drain[str], left: list[int]) -> None:
    World([(mark(50, p0=10), {P0: 10})] * 20).run(drain)
    assert left == []


def test_events_in_hand_are_lag_even_where_all_is_committed(
    drain: Drain[str], left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drain, "holds_work", True)
    with pytest.raises(Left):
        World([(mark(50, p0=10), {P0: 10})] * 5).run(drain)
    assert left == [exits.STALLED]


def test_who_waits_for_a_store_does_not_stand_still(drain: Drain[str], left: list[int]) -> None:
    def back_in_turn_10(turn: int) -> None:
        drain.waits_for_store = turn < 10

    stands_still = (mark(50, p0=10), {P0: 5})
    World([stands_still] * 13, on_turn=back_in_turn_10).run(drain)
    assert left == []
    with pytest.raises(Left, match="no progress"):
        World([stands_still] * 15, on_turn=back_in_turn_10).run(drain)


def test_a_batch_that_takes_its_time_is_no_standstill_up_to_a_limit(
    drain: Drain[str], left: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "WORK_LIMIT_S", 10.0)
    drain.at_work = True
    stands_still = (mark(50, p0=10), {P0: 5})
    World([stands_still] * 10).run(drain)
    assert left == []
    with pytest.raises(Left, match="no progress for 10 s"):
        World([stands_still] * 13).run(drain)


def test_an_event_loop_that_stands_still_ends_the_worker(drain: Drain[str], left: list[int]) -> None:
    at_rest = (mark(50, p0=10), {P0: 10})
    with pytest.raises(Left, match="event loop stood still for 4 s"):
        World([at_rest] * 6, ask_loop=lambda answer: None).run(drain)
    assert left == [exits.STALLED]


def test_only_an_event_loop_that_answers_makes_a_sign_of_life(drain: Drain[str]) -> None:
    at_rest = (mark(50, p0=10), {P0: 10})
    answering = World([at_rest] * 5)
    answering.run(drain)
    assert answering.beats == 3, "the clock stands still over the first two turns"
    silent = World([at_rest] * 3, ask_loop=lambda answer: None)
    silent.run(drain)
    assert silent.beats == 0


@pytest.mark.parametrize("away", [StoreUnavailable("no database"), KafkaException("no broker")])
def test_while_progress_cannot_be_told_nobody_is_blamed(drain: Drain[str], left: list[int], away: Exception) -> None:
    by_mark = isinstance(away, StoreUnavailable)
    trouble: Turn = (away, {}) if by_mark else (mark(50, p0=10), away)
    stands_still = (mark(50, p0=10), {P0: 5})
    World([stands_still, *[trouble] * 10, *[stands_still] * 3]).run(drain)
    assert left == []
