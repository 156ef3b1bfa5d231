import pytest
from hypothesis import given
from hypothesis import strategies as st

from reasoning.evaluation import all_at, exact_match, f1, normalised_answer, percentile, recall_at


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


@pytest.mark.parametrize(
    ("answer", "accepted", "match", "shared"),
    [
        ("the Aldous!", ["River Aldous", "aldous"], 1.0, 1.0),
        ("River Aldous", ["Aldous"], 0.0, 2 / 3),
        ("in 1887", ["1887"], 0.0, 2 / 3),
        ("Tarrow", ["Brennick"], 0.0, 0.0),
        ("Ann an Ann", ["Ann Ann Bell"], 0.0, 0.8),
        ("U.S.", ["us"], 1.0, 1.0),
        ("yes", ["no"], 0.0, 0.0),
        ("yes indeed", ["yes"], 0.0, 0.0),
        ("the", ["a"], 1.0, 1.0),
        ("the", ["Brennick"], 0.0, 0.0),
        ("", ["Brennick"], 0.0, 0.0),
        (None, ["Brennick"], 0.0, 0.0),
        (None, [], 1.0, 1.0),
        ("Brennick", [], 0.0, 0.0),
    ],
)
def test_answers_are_compared_as_squad_does(
    answer: str | None, accepted: list[str], match: float, shared: float
) -> None:
    assert exact_match(answer, accepted) == match
    assert f1(answer, accepted) == pytest.approx(shared)


def test_a_normalised_answer_has_no_case_punctuation_articles_or_needless_space() -> None:
    assert normalised_answer('  The "Bob-cat",\n an  old Theatre. ') == "bobcat old theatre"


@given(st.text(max_size=40), st.lists(st.text(max_size=40), min_size=1, max_size=3))
def test_what_matches_shares_every_word(answer: str, accepted: list[str]) -> None:
    assert exact_match(answer, [*accepted, answer]) == f1(answer, [*accepted, answer]) == 1.0
    assert exact_match(answer, accepted) <= f1(answer, accepted) <= 1.0
    assert f1(answer, accepted[:1]) == f1(accepted[0], [answer])
