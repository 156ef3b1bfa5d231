"""Calibration and the comparison of two settings, on what can be worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.calibration import expected_calibration_error, mcnemar, paired_bootstrap, reliability

SURE = st.floats(0, 1)
RIGHT = st.sampled_from((0.0, 1.0))


def test_bins_say_how_sure_and_how_right() -> None:
    found = reliability([0.95, 0.85, 1.0, 0.05], [1, 0, 1, 0])
    assert [(one.low, one.high, one.answers, one.right) for one in found] == [
        (0.0, 0.1, 1, 0.0),
        (0.8, 0.9, 1, 0.0),
        (0.9, 1.0, 2, 1.0),
    ]
    assert found[2].confidence == pytest.approx(0.975)


def test_the_error_is_the_mean_distance_by_answers() -> None:
    assert expected_calibration_error([0.75, 0.75, 0.75, 0.75], [1, 1, 1, 0]) == pytest.approx(0.0)
    assert expected_calibration_error([1.0, 1.0], [0, 0]) == pytest.approx(1.0)
    # Two bins: one answer 0.1 too sure, three answers 0.8 too sure.
    assert expected_calibration_error([0.1, 0.8, 0.8, 0.8], [0, 0, 0, 0]) == pytest.approx((0.1 + 3 * 0.8) / 4)


@given(st.lists(st.tuples(SURE, RIGHT), min_size=1, max_size=50))
def test_bins_hold_every_answer_once(answers: list[tuple[float, float]]) -> None:
    sure, right = [one for one, _ in answers], [one for _, one in answers]
    found = reliability(sure, right)
    assert sum(one.answers for one in found) == len(answers)
    assert sum(one.answers * one.right for one in found) == pytest.approx(sum(right))
    assert sum(one.answers * one.confidence for one in found) == pytest.approx(sum(sure))
    assert 0.0 <= expected_calibration_error(sure, right) <= 1.0


@pytest.mark.parametrize(("sure", "right"), [([], []), ([1.1], [1.0]), ([-0.1], [1.0]), ([0.5], [1.0, 0.0])])
def test_what_is_no_calibration_is_refused(sure: list[float], right: list[float]) -> None:
    with pytest.raises(ValueError):
        expected_calibration_error(sure, right)


def test_a_real_difference_is_told_from_chance() -> None:
    worse, better = [0.0] * 60 + [1.0] * 40, [0.0] * 40 + [1.0] * 60
    by = paired_bootstrap(worse, better)
    assert by.difference == pytest.approx(0.2) and 0 < by.low < 0.2 < by.high and by.p < 0.01
    assert paired_bootstrap(better, worse).difference == pytest.approx(-0.2)
    mixed = [0.0, 1.0] * 50
    by = paired_bootstrap(mixed, mixed[::-1])
    assert by.difference == 0.0 and by.low < 0 < by.high and by.p > 0.5


def test_the_same_is_no_difference() -> None:
    by = paired_bootstrap([0.5, 0.2], [0.5, 0.2])
    assert (by.difference, by.low, by.high, by.p) == (0.0, 0.0, 0.0, 1.0)


def test_mcnemar_looks_at_what_one_alone_has_right() -> None:
    """Six gained and none lost: 2 * 0.5 ** 6. What both have right or wrong makes no difference."""
    before, now = [0.0] * 6 + [1.0, 0.0], [1.0] * 6 + [1.0, 0.0]
    assert mcnemar(before, now) == pytest.approx(0.03125) == pytest.approx(mcnemar(now, before))
    assert mcnemar(before + [1.0] * 90, now + [1.0] * 90) == pytest.approx(0.03125)
    assert mcnemar(now, now) == 1.0


@pytest.mark.parametrize("compare", [paired_bootstrap, mcnemar])
def test_questions_are_the_same_for_both(compare: object) -> None:
    with pytest.raises(ValueError):
        compare([1.0], [1.0, 0.0])  # type: ignore[operator]
