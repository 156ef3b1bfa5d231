import pytest

from reasoning.fusion import reciprocal_rank_fusion


def test_what_two_rankings_agree_on_comes_before_the_first_of_one() -> None:
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["d", "b", "e"]])
    assert [found for found, _ in fused] == ["b", "a", "d", "c", "e"]
    assert dict(fused)["b"] == pytest.approx(2 / 12)
    assert dict(fused)["a"] == pytest.approx(1 / 11)


def test_equal_scores_come_in_order_of_id() -> None:
    assert [found for found, _ in reciprocal_rank_fusion([["z"], ["a"]])] == ["a", "z"]


def test_a_repeated_id_counts_once_at_its_best_rank() -> None:
    assert dict(reciprocal_rank_fusion([["a", "a", "b"]])) == pytest.approx({"a": 1 / 11, "b": 1 / 12})


def test_nothing_fused_is_nothing() -> None:
    assert reciprocal_rank_fusion([]) == []
    assert reciprocal_rank_fusion([[], []]) == []
