"""A set of ids that holds their hashes alone is the set all the same."""

from hypothesis import given
from hypothesis import strategies as st

from aggregates.id_set import NO_IDS, IdSet

IDS = st.lists(st.sampled_from([f"id-{number}" for number in range(50)]))


@given(st.lists(IDS), IDS)
def test_it_is_a_set(blocks: list[list[str]], asked: list[str]) -> None:
    made, model = NO_IDS, set[str]()
    for block in blocks:
        made, model = made.union(IdSet.of(block)), model | set(block)
    for one in (made, made.compact()):
        assert one.count == len(model)
        assert [name in one for name in asked] == [name in model for name in asked]
    assert made.compact() == IdSet.of(sorted(model))


def test_an_id_takes_eight_bytes() -> None:
    ids = [f"id-{number}" for number in range(1000)]
    made = IdSet.of(ids).union(IdSet.of(ids)).compact()
    assert (made.count, sum(map(len, made.blocks))) == (1000, 8000)
