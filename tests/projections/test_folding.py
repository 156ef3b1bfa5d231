"""What is made of the log is loaded in portions: few, in order, and none too large."""

from collections.abc import AsyncGenerator, Sequence

import pytest

from contracts import limits
from eventstore.keys import AggregateKey
from projections.changes import Change
from projections.folding import Made, portions


def made(*numbers: int, size: int = 10) -> Made:
    """Of one aggregate for each number, for two read models of which one says nothing."""
    changes = [Change(AggregateKey("t", "document", f"d{number}"), 0, 1, {}) for number in numbers]
    return Made(len(numbers), size, [changes, []])


async def cut(source: Sequence[Made], most: int) -> list[Made]:
    """As it is loaded."""

    async def each() -> AsyncGenerator[Made, None]:
        for one in source:
            yield one

    return [one async for one in portions(each(), most)]


async def test_as_few_as_may_be_and_in_order() -> None:
    """Each holds as many as it may."""
    found = await cut([made(1, 2), made(3), made(4, 5), made(6)], 3)
    assert found == [
        made(1, 2).followed_by(made(3)),
        made(4, 5).followed_by(made(6)),
    ]
    assert [one.aggregates for one in found] == [3, 3]
    assert [[change.key.aggregate_id for change in one.changes[0]] for one in found] == [
        ["d1", "d2", "d3"],
        ["d4", "d5", "d6"],
    ]


async def test_what_came_at_once_stays_together() -> None:
    """It was in memory already."""
    assert await cut([made(1, 2, 3), made(4)], 2) == [made(1, 2, 3), made(4)]
    assert await cut([], 2) == []


async def test_none_is_much_larger_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few they are."""
    monkeypatch.setattr(limits, "BATCH_BYTES", 25)
    found = await cut([made(1), made(2), made(3), made(4, size=100), made(5)], 100)
    assert [one.aggregates for one in found] == [2, 1, 1, 1]
    assert [one.bytes for one in found] == [20, 10, 100, 10]
