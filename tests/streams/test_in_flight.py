"""What is in flight, whatever is delivered and in whatever order work ends."""

from collections import defaultdict
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from contracts.topics import Partition
from streams import in_flight
from streams.handler import BATCH_BYTES
from streams.in_flight import Delivered, InFlight
from tests.streams.fakes import message

BATCH = 4
KEYS = (b"a", b"b", b"c")


@given(
    st.lists(st.tuples(st.sampled_from(KEYS), st.booleans(), st.booleans()), max_size=40),
    st.randoms(use_true_random=False),
)
def test_order_within_a_key_and_acknowledgements_without_gaps(
    sent: list[tuple[bytes, bool, bool]], choose: Random
) -> None:
    """Each of `sent`: key, whether it is large, whether the handler wants it."""
    flight: InFlight[str] = InFlight(BATCH, BATCH_BYTES)
    waiting = [
        Delivered(None, message(offset, key, partition=KEYS.index(key) % 2), "item" if wanted else None, is_large=large)
        for offset, (key, large, wanted) in enumerate(sent)
    ]
    every = list(waiting)
    at_work: list[list[Delivered[str]]] = []
    worked: list[Delivered[str]] = []
    released: list[Delivered[str]] = []
    while waiting or at_work or flight.waiting:
        if waiting and choose.random() < 0.5:
            flight.add(waiting.pop(0))
        while batch := flight.next_batch():
            at_work.append(batch)
            _check_side_by_side(at_work)
        if at_work and choose.random() < 0.5:
            batch = at_work.pop(choose.randrange(len(at_work)))
            promised = flight.positions_with(batch)
            worked.extend(batch)
            released.extend(flight.finish(batch))
            # What the handler was told of the time after the batch is so.
            there = _positions(released)
            assert all(there[partition] >= position for partition, position in promised.items())
        assert flight.held == len(every) - len(waiting) - len(released)
    assert not flight.at_work and flight.held == 0
    for key in KEYS:
        of_key = [one.message.offset for one in worked if one.message.key == key and one.item is not None]
        assert of_key == sorted(of_key)
    for partition in {one.partition for one in every}:
        assert [one for one in released if one.partition == partition] == [
            one for one in every if one.partition == partition
        ]


def _check_side_by_side(at_work: list[list[Delivered[str]]]) -> None:
    small = [batch for batch in at_work if not batch[0].is_large]
    large = [batch for batch in at_work if batch[0].is_large]
    assert len(small) <= 1 and all(len(batch) <= BATCH for batch in small)
    assert len(large) <= in_flight.LARGE_AT_ONCE and all(len(batch) == 1 for batch in large)
    keys = [{one.key for one in batch if one.key is not None} for batch in at_work]
    assert sum(map(len, keys)) == len(set().union(*keys)), "two at work on one aggregate"


def _positions(released: list[Delivered[str]]) -> dict[Partition, int]:
    highest: dict[Partition, int] = defaultdict(int)
    for one in released:
        highest[one.partition] = max(highest[one.partition], one.message.position or 0)
    return highest


def test_large_ones_share_a_bound_in_bytes_and_one_beyond_it_is_at_work_alone() -> None:
    flight: InFlight[str] = InFlight(BATCH, BATCH_BYTES)
    sizes = [in_flight.LARGE_AT_ONCE_BYTES // 2, in_flight.LARGE_AT_ONCE_BYTES * 3, in_flight.LARGE_AT_ONCE_BYTES // 2]
    for offset, size in enumerate(sizes):
        flight.add(Delivered(None, message(offset, b"k%d" % offset), "item", size=size, is_large=True))
    together = [flight.next_batch(), flight.next_batch()]
    assert [one.message.offset for batch in together for one in batch] == [0, 2] and not flight.next_batch()
    for batch in together:
        flight.finish(batch)
    assert [one.message.offset for one in flight.next_batch()] == [1]


def test_a_batch_is_bounded_in_bytes() -> None:
    flight: InFlight[str] = InFlight(BATCH, BATCH_BYTES)
    for offset in range(BATCH):
        flight.add(Delivered(None, message(offset, b"k%d" % offset), "item", size=BATCH_BYTES // 2))
    assert len(flight.next_batch()) == 3
