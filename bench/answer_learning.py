"""How answers are learned and judged: every question by weights that were learned from others."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from bench.answer_cases import Case, Values
from reasoning.answer import DECLINED, SURE, span_confidence
from reasoning.answering.confidence_features import CONFIDENCE_FEATURES, names_known, of_worked_out
from reasoning.answering.features import FEATURES
from reasoning.answering.learned import Linear, ranked
from reasoning.answering.missing import what_is_missing
from reasoning.evaluation import exact_match, f1
from reasoning.question.kinds import Kind

FOLDS, SEEDS = 5, 3
SPANS_L2, CONFIDENCE_L2 = 0.03, 0.03
UNSUPPORTED = 0.3
"""Weight of a question that is asked again without its gold passages, beside 1: how an unsupported answer looks."""
CONSTANT = 1e-3
NEVER = 2.0


def learn_spans(cases: Sequence[Case]) -> Linear:
    """Conditional logit: the likelihood of accepted spans among all of a question."""
    rows = [
        (case.features(), case.gains()) for case in cases if case.supported and case.proposal is None and case.spans
    ]
    mean, deviation = _standard(np.vstack([features for features, _ in rows]))
    known = [((features - mean) / deviation, gains) for features, gains in rows if gains.max() > 0]

    def loss(weights: Values) -> tuple[float, Values]:
        total, gradient = 0.0, np.zeros_like(weights)
        for features, gains in known:
            scores = features @ weights
            likelihood = np.exp(scores - scores.max())
            share = likelihood / likelihood.sum()
            wanted = likelihood * gains
            total -= float(np.log(max(wanted.sum() / likelihood.sum(), 1e-12)))
            gradient -= features.T @ (wanted / wanted.sum() - share)
        return total / len(known) + SPANS_L2 * float(weights @ weights), gradient / len(known) + 2 * SPANS_L2 * weights

    return Linear(mean, deviation, _least(loss, len(FEATURES)), 0.0)


def learn_confidence(features: Values, right: Values, weights: Values) -> Linear:
    """Logistic regression of whether an answer is right."""
    mean, deviation = _standard(features)
    rows = (features - mean) / deviation

    def loss(values: Values) -> tuple[float, Values]:
        inner = values[:-1]
        chance = 1.0 / (1.0 + np.exp(-(rows @ inner + values[-1])))
        likelihood = right * np.log(chance + 1e-12) + (1.0 - right) * np.log(1.0 - chance + 1e-12)
        slope = weights * (chance - right) / weights.sum()
        total = -float((weights * likelihood).sum() / weights.sum()) + CONFIDENCE_L2 * float(inner @ inner)
        return total, np.append(rows.T @ slope + 2 * CONFIDENCE_L2 * inner, slope.sum())

    values = _least(loss, len(CONFIDENCE_FEATURES) + 1)
    return Linear(mean, deviation, values[:-1], float(values[-1]))


def _least(loss: Callable[[Values], tuple[float, Values]], size: int) -> Values:
    found: Values = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x
    return found


def _standard(rows: Values) -> tuple[Values, Values]:
    deviation = rows.std(axis=0)
    return rows.mean(axis=0), np.where(deviation < CONSTANT, 1.0, deviation)


class Given(NamedTuple):
    """An answer, its features of confidence, and from which confidence on it is given: above 1 for never."""

    text: str
    features: tuple[float, ...]
    least: float


def answered(case: Case, spans: Linear) -> Given | None:
    """The best answer; None where there is nothing."""
    unknown = names_known(case.reading, case.evidence) == 0.0
    if case.proposal is not None:
        features = of_worked_out(case.reading, case.evidence, case.proposal.strength)
        return Given(case.proposal.text, features, NEVER if unknown else DECLINED)
    if not case.spans or case.reading.kind is Kind.YES_NO:
        return None
    best = ranked(case.spans, spans.of(case.features().tolist()))
    least = NEVER if unknown else DECLINED
    if not unknown and what_is_missing(case.reading, case.evidence, best[0].span, sure=False) is not None:
        missing = what_is_missing(case.reading, case.evidence, best[0].span, sure=True) is not None
        least = NEVER if missing else SURE
    return Given(best[0].span.text, span_confidence(case.reading, case.evidence, best, case.steps), least)


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers that no weight was learned from the question of."""

    groups: Values
    names: list[str]
    supported: npt.NDArray[np.bool_]
    features: Values
    right: Values
    shared: Values
    least: Values
    unanswered: Counter[str]
    """How often a question with its gold passages had nothing at all that may answer it."""


def cross_validated(cases: Sequence[Case]) -> Judged:
    """Every question answered SEEDS times, by weights of the other folds."""
    groups = sorted({case.group for case in cases})
    rows: list[tuple[int, str, bool, tuple[float, ...], float, float, float]] = []
    unanswered: Counter[str] = Counter()
    for seed in range(SEEDS):
        fold = dict(zip(groups, np.random.default_rng(seed).permutation(len(groups)) % FOLDS, strict=True))
        for number in range(FOLDS):
            spans = learn_spans([case for case in cases if fold[case.group] != number])
            for case in cases:
                if fold[case.group] != number:
                    continue
                found = answered(case, spans)
                if found is None:
                    unanswered[case.name] += case.supported
                else:
                    right, shared = exact_match(found.text, case.accepted), f1(found.text, case.accepted)
                    rows.append((case.group, case.name, case.supported, found.features, right, shared, found.least))
    columns = list(zip(*rows, strict=True))
    return Judged(
        np.array(columns[0]),
        list(columns[1]),
        np.array(columns[2]),
        np.array(columns[3]),
        np.array(columns[4]),
        np.array(columns[5]),
        np.array(columns[6]),
        unanswered,
    )


def confidences(judged: Judged) -> Values:
    """Of each answer, by weights that were learned of other questions."""
    weights = np.where(judged.supported, 1.0, UNSUPPORTED)
    found = np.zeros(len(judged.right))
    groups = np.unique(judged.groups)
    fold = dict(zip(groups.tolist(), np.random.default_rng(SEEDS).permutation(len(groups)) % FOLDS, strict=True))
    folds = np.array([fold[group] for group in judged.groups.tolist()])
    for number in range(FOLDS):
        rest = folds != number
        learned = learn_confidence(judged.features[rest], judged.right[rest], weights[rest])
        found[~rest] = 1.0 / (1.0 + np.exp(-learned.of(judged.features[~rest].tolist())))
    return found
