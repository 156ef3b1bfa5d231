"""What repeats of the question what better passages hold counts less."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reasoning.repetition import REPEATED, TOP, less_repeated


def test_a_passage_that_adds_something_goes_before_one_that_repeats() -> None:
    held = np.array([[0.6, 0.0], [0.6, 0.0], [0.0, 0.4]])
    lowered = less_repeated(np.array([1.0, 0.8, 0.7]), held)
    assert lowered == pytest.approx([1.0, 0.8 - REPEATED * 0.6, 0.7])
    assert np.argsort(-lowered).tolist() == [0, 2, 1]


def test_the_order_is_decided_one_by_one() -> None:
    held = np.array([[0.5, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.5, 0.0]])
    lowered = less_repeated(np.array([1.0, 0.9, 0.8]), held)
    assert lowered == pytest.approx([1.0, 0.9 - REPEATED * (0.5 + 0.5), 0.8]), "the third was taken before the second"


SIZE = st.integers(0, TOP + 20)


@given(
    SIZE.flatmap(
        lambda size: st.tuples(
            arrays.arrays(np.float64, size, elements=st.floats(0, 3)),
            arrays.arrays(np.float64, (size, 3), elements=st.floats(0, 0.33)),
        )
    )
)
def test_the_best_stays_and_none_loses_more_than_all_that_it_repeats(given: tuple[np.ndarray, np.ndarray]) -> None:
    scores, held = given
    lowered = less_repeated(scores, held)
    assert (lowered <= scores).all()
    assert (lowered >= scores - REPEATED * held.sum(axis=1) - 1e-9).all()
    if scores.size:
        assert lowered.max() == scores.max()
