"""What repeats of the question what better passages hold counts less, and so does what reads as they do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from reasoning.repetition import ALIKE, COMMON, NEAREST, REPEATED, TOP, less_alike, less_repeated


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


def alike(scores: list[float], likeness: list[float], *texts: str) -> list[float]:
    return list(less_alike(np.array(scores), np.array(likeness), lambda number: frozenset(texts[number].split())))


def test_what_reads_as_a_better_one_loses_of_its_own_likeness() -> None:
    texts = ("mill stands beside river orlinga", "mill stands beside river teshe", "ada wrote letters")
    first, copy, other = alike([1.0, 0.8, 0.6], [0.5, 0.5, 0.5], *texts)
    assert (first, other) == (1.0, 0.6), "these have no more in common with a better one than any two may"
    assert copy == pytest.approx(0.8 - ALIKE * 0.5 * (0.8 - COMMON) / (1.0 - COMMON))


def test_what_a_link_or_a_name_brings_is_not_taken() -> None:
    assert alike([1.0, 0.8], [0.5, 0.0], "a b c", "a b c") == [1.0, 0.8]
    assert alike([1.0, 0.8], [0.5, -0.3], "a b c", "a b c") == [1.0, 0.8]


def test_a_passage_without_words_is_like_none() -> None:
    assert alike([1.0, 0.8], [0.5, 0.5], "", "") == [1.0, 0.8]
    assert alike([], []) == []


WORDS = st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=8).map(" ".join), max_size=NEAREST + 5)


@given(WORDS, st.data())
def test_the_best_stays_and_none_loses_more_than_its_likeness(texts: list[str], data: st.DataObject) -> None:
    scores = data.draw(arrays.arrays(np.float64, len(texts), elements=st.floats(0, 3)))
    likeness = data.draw(arrays.arrays(np.float64, len(texts), elements=st.floats(-1, 1)))
    lowered = less_alike(scores, likeness, lambda number: frozenset(texts[number].split()))
    assert (lowered <= scores).all()
    assert (lowered >= scores - ALIKE * np.maximum(likeness, 0.0) - 1e-9).all()
    if scores.size:
        assert lowered.max() == scores.max()
