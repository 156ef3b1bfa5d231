"""What became of each question of an evaluation, the figures over all of them, and how two evaluations differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from annals.evaluation_sets import Question
from contracts.errors import AnnalsError
from reasoning.calibration import Bin, expected_calibration_error, mcnemar, paired_bootstrap, reliability
from reasoning.evaluation import all_at, exact_match, f1, normalised_answer, percentile, recall_at
from reasoning.results import Answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question. What needs gold passages or accepted answers is None where there are none.

    `seconds` of the first time that it was asked, `again_seconds` of the second. `why`: what went wrong, empty where
    nothing did.
    """

    id: str
    question: str
    accepted: tuple[str, ...] | None
    answer: str | None
    confidence: float
    exact_match: float | None
    f1: float | None
    recall_2: float | None
    recall_5: float | None
    all_5: float | None
    seconds: float
    again_seconds: float
    why: str


_OUTCOMES: TypeAdapter[list[Outcome]] = TypeAdapter(list[Outcome])


def outcome_of(question: Question, answer: Answer, seconds: float, again_seconds: float) -> Outcome:
    """Measure one answer."""
    ranked = list(dict.fromkeys(source.document_id for source in answer.sources))
    told, gold = question.answers, question.gold
    return Outcome(
        id=str(question.id),
        question=question.question,
        accepted=told,
        answer=answer.answer,
        confidence=answer.confidence,
        exact_match=None if told is None else exact_match(answer.answer, told),
        f1=None if told is None else f1(answer.answer, told),
        recall_2=recall_at(ranked, gold, 2) if gold else None,
        recall_5=recall_at(ranked, gold, 5) if gold else None,
        all_5=float(all_at(ranked, gold, 5)) if gold else None,
        seconds=seconds,
        again_seconds=again_seconds,
        why=_why(question, answer, ranked),
    )


def _why(question: Question, answer: Answer, ranked: Sequence[str]) -> str:
    """The first thing that went wrong: with what was found, then with what was made of it."""
    told, gold = question.answers, set(question.gold)
    if told is not None and exact_match(answer.answer, told) == 1.0:
        return ""
    if told == ():
        return "answered, though it cannot be"
    missing = len(gold.difference(ranked[:5]))
    if missing:
        return f"{missing} of {len(gold)} supporting passages are not among the first five"
    if told is None:
        return ""
    if answer.answer is None:
        return "declined, though all that supports an answer was found"
    accepted = [normalised_answer(one) for one in told]
    if any(own in normalised_answer(answer.answer) for own in accepted):
        return "the answer holds the accepted one, and more"
    if any(own in normalised_answer(source.text) for source in answer.sources for own in accepted):
        return "another answer was taken from what was found"
    return "no source holds an accepted answer as it is written"


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Means over the questions that have the figure; None where none has. `ece` is over what was answered."""

    def mean(of: Callable[[Outcome], float | None]) -> float | None:
        values = [value for one in outcomes if (value := of(one)) is not None]
        return round(sum(values) / len(values), 4) if values else None

    sure, right = _calibration(outcomes)
    first, again = [one.seconds for one in outcomes], [one.again_seconds for one in outcomes]
    return {
        "recall@2": mean(lambda one: one.recall_2),
        "recall@5": mean(lambda one: one.recall_5),
        "all@5": mean(lambda one: one.all_5),
        "exact_match": mean(lambda one: one.exact_match),
        "f1": mean(lambda one: one.f1),
        "declined": mean(lambda one: float(one.answer is None)),
        "ece": round(expected_calibration_error(sure, right), 4) if sure else None,
        "questions": len(outcomes),
        "ask_p50_s": round(percentile(first, 0.5), 4),
        "ask_p95_s": round(percentile(first, 0.95), 4),
        "ask_again_p50_s": round(percentile(again, 0.5), 4),
        "ask_again_p95_s": round(percentile(again, 0.95), 4),
    }


def bins(outcomes: Sequence[Outcome]) -> list[Bin]:
    """How sure the answers are, and which share of them is right."""
    return reliability(*_calibration(outcomes))


def _calibration(outcomes: Sequence[Outcome]) -> tuple[list[float], list[float]]:
    answered = [
        (one.confidence, one.exact_match) for one in outcomes if one.answer is not None and one.exact_match is not None
    ]
    return [sure for sure, _ in answered], [right for _, right in answered]


def compared(before: Sequence[Outcome], now: Sequence[Outcome]) -> dict[str, Any]:
    """How each figure differs over the questions that both have. Raises AnnalsError where they share none."""
    earlier = {one.id: one for one in before}
    pairs = [(earlier[one.id], one) for one in now if one.id in earlier]
    if not pairs:
        raise AnnalsError("the two evaluations share no question; compare those of the same questions")
    found: dict[str, Any] = {"questions": len(pairs)}
    for name, figure in (("exact_match", "exact_match"), ("f1", "f1"), ("recall@5", "recall_5"), ("all@5", "all_5")):
        both = [
            (old, new)
            for one, other in pairs
            if (old := getattr(one, figure)) is not None and (new := getattr(other, figure)) is not None
        ]
        if both:
            first, second = [old for old, _ in both], [new for _, new in both]
            by = paired_bootstrap(first, second)
            found[name] = {
                "difference": round(by.difference, 4),
                "low": round(by.low, 4),
                "high": round(by.high, 4),
                # Of what is right or wrong McNemar's test is exact.
                "p": round(mcnemar(first, second) if figure in ("exact_match", "all_5") else by.p, 4),
            }
    return found


def save(outcomes: Sequence[Outcome], path: Path) -> None:
    """Keep them to be compared with later. Raises AnnalsError."""
    try:
        path.write_bytes(_OUTCOMES.dump_json(list(outcomes), indent=1))
    except OSError as error:
        raise AnnalsError(f"{path} cannot be written: {error.strerror}; give another path") from None


def saved(path: Path) -> list[Outcome]:
    """Raises AnnalsError."""
    try:
        return _OUTCOMES.validate_json(path.read_bytes())
    except OSError as error:
        raise AnnalsError(f"{path} cannot be read: {error.strerror}; give what --save wrote") from None
    except ValidationError:
        raise AnnalsError(f"{path} holds no outcomes of an evaluation; give what --save wrote") from None
