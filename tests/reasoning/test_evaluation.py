import pytest

from reasoning.evaluation import all_at, percentile, recall_at


def test_recall_is_the_share_of_gold_that_was_found() -> None:
    assert recall_at(["a", "b", "c"], {"a", "c"}, 2) == 0.5
    assert recall_at(["a", "b", "c"], {"a", "c"}, 3) == 1.0
    assert recall_at([], ["a"], 5) == 0.0


def test_all_gold_must_be_among_the_first() -> None:
    assert all_at(["a", "b", "c"], {"a", "c"}, 3)
    assert not all_at(["a", "b", "c"], {"a", "c"}, 2)


def test_without_gold_there_is_no_recall() -> None:
    with pytest.raises(ValueError, match="gold"):
        recall_at(["a"], [], 1)


def test_percentiles_are_values_that_occurred() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.8, 0.81, 1.0)] == [1.0, 3.0, 4.0, 5.0, 5.0]


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_a_percentile_needs_values_and_a_share(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(values, share)
