"""Batches are bounded by bytes and by number, and leave nothing out."""

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.batches import batches


@given(st.lists(st.integers(0, 20)), st.integers(1, 30), st.none() | st.integers(1, 5))
def test_every_item_comes_once_in_order_and_within_the_bounds(
    sizes: list[int], max_bytes: int, max_items: int | None
) -> None:
    found = list(batches(sizes, lambda size: size, max_bytes=max_bytes, max_items=max_items))
    assert [size for batch in found for size in batch] == sizes
    for batch in found:
        assert batch
        assert sum(batch) <= max_bytes or len(batch) == 1
        assert max_items is None or len(batch) <= max_items
    # No batch is smaller than it has to be.
    for one, other in pairwise(found):
        assert sum(one) + other[0] > max_bytes or len(one) == max_items


def test_no_more_is_taken_than_is_needed() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    assert next(batches(numbers(), lambda _: 4, max_bytes=8)) == [0, 1]
    assert taken == [0, 1, 2]
