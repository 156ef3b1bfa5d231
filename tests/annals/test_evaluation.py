"""Figures of an evaluation, how two differ, and the report."""

from dataclasses import replace
from pathlib import Path

import pytest

from annals.evaluation import bins, compared, figures, outcome_of, save, saved
from annals.evaluation_report import report
from annals.evaluation_sets import Question
from contracts.errors import AnnalsError
from reasoning.results import Answer, ScoredPassage

FOUND = ScoredPassage("a", "a1", "Alder Mill", "Built by <b>Greta Fairfax</b>.", 0, 9, 1.0)
OTHER = replace(FOUND, document_id="x", text="Nothing.")


def asked(
    number: int = 1, gold: tuple[str, ...] = ("a",), answers: tuple[str, ...] | None = ("Greta Fairfax",)
) -> Question:
    return Question.model_construct(id=number, question="Who <built> it?", gold=gold, answers=answers)


def answered(text: str | None, confidence: float = 0.9, *sources: ScoredPassage) -> Answer:
    return Answer(text, confidence, sources or (FOUND,), (), "")


RIGHT = outcome_of(asked(1), answered("greta fairfax"), 0.2, 0.1)
WRONG = outcome_of(asked(2), answered("It was built by Greta Fairfax", 0.5), 0.4, 0.1)
DECLINED = outcome_of(asked(3, gold=("a", "b")), answered(None, 0.1), 0.3, 0.3)
TOLD_NOTHING = outcome_of(asked(4, answers=None), answered("Somebody"), 0.1, 0.1)
OUTCOMES = [RIGHT, WRONG, DECLINED, TOLD_NOTHING]


def test_figures_are_means_over_what_has_them() -> None:
    found = figures(OUTCOMES)
    assert (found["exact_match"], found["declined"], found["questions"]) == (0.3333, 0.25, 4)
    assert found["f1"] == pytest.approx((1 + 2 * 2 / (6 + 2) + 0) / 3, abs=1e-4)
    assert (found["recall@5"], found["all@5"]) == (0.875, 0.75)
    # One right at 0.9, one wrong at 0.5.
    assert found["ece"] == pytest.approx(0.3)
    assert (found["ask_p50_s"], found["ask_p95_s"], found["ask_again_p95_s"]) == (0.2, 0.4, 0.3)
    assert sum(one.answers for one in bins(OUTCOMES)) == 2
    without = figures([TOLD_NOTHING])
    assert without["exact_match"] is without["f1"] is without["ece"] is None and without["recall@5"] == 1.0


@pytest.mark.parametrize(
    ("question", "answer", "why"),
    [
        (asked(), answered("Greta Fairfax"), ""),
        (asked(answers=()), answered(None), ""),
        (asked(answers=()), answered("Somebody"), "answered, though it cannot be"),
        (asked(gold=("a", "b")), answered("Somebody"), "1 of 2 supporting passages are not among the first five"),
        (asked(), answered(None), "declined, though all that supports an answer was found"),
        (asked(), answered("Greta Fairfax built it"), "the answer holds the accepted one, and more"),
        (asked(answers=("Built by",)), answered("Greta Fairfax"), "another answer was taken from what was found"),
        (asked(answers=("Hugo",)), answered("Greta Fairfax"), "no source holds an accepted answer as it is written"),
        (asked(answers=None), answered("Somebody"), ""),
    ],
)
def test_it_is_told_what_went_wrong(question: Question, answer: Answer, why: str) -> None:
    assert outcome_of(question, answer, 0.1, 0.1).why == why


def test_an_evaluation_is_compared_with_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "before.json"
    save(OUTCOMES, path)
    assert saved(path) == OUTCOMES
    better = [replace(one, exact_match=1.0, f1=1.0) if one.exact_match is not None else one for one in OUTCOMES]
    found = compared(saved(path), [*better, replace(RIGHT, id="new")])
    assert found["questions"] == 4 and found["exact_match"]["difference"] == 0.6667
    assert found["exact_match"]["p"] == 0.5, "two gained and none lost"
    assert found["recall@5"] == {"difference": 0.0, "low": 0.0, "high": 0.0, "p": 1.0}
    with pytest.raises(AnnalsError, match="share no question"):
        compared(OUTCOMES, [replace(RIGHT, id="new")])


@pytest.mark.parametrize("text", ["", "[{}]", "no json"])
def test_what_was_not_saved_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "before.json"
    path.write_text(text)
    with pytest.raises(AnnalsError, match="give what --save wrote"):
        saved(path)
    with pytest.raises(AnnalsError, match="cannot be read"):
        saved(tmp_path / "nowhere")


def test_a_report_shows_the_worst_first_and_runs_nothing() -> None:
    """Texts are of documents and of whoever asks."""
    page = report(figures(OUTCOMES) | {"comparison": compared(OUTCOMES, OUTCOMES)}, OUTCOMES)
    assert "<built>" not in page and "Who &lt;built&gt; it?" in page
    assert page.index(DECLINED.why) < page.index(WRONG.why), "what has nothing of the answer comes first"
    assert "2 of 2 with a fault" in page and "Against the earlier evaluation" in page and "Calibration" in page
    assert "Calibration" not in report(figures([TOLD_NOTHING]), [TOLD_NOTHING])
