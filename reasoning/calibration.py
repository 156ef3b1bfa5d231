"""Whether confidence means something, and whether two settings differ: plain functions for measuring."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 10
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose confidence lies in `low` .. `high`: how many, how sure on average, and which share is right."""

    low: float
    high: float
    answers: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a figure between two settings, over the same questions: the second's mean less the first's.

    `low` .. `high` hold 95 of 100 resamples; `p` is two-sided.
    """

    difference: float
    low: float
    high: float
    p: float


def reliability(confidences: Sequence[float], right: Sequence[float], bins: int = BINS) -> list[Bin]:
    """Bins of equal width in 0..1, those without answers left out; the last one holds 1. `right` is 0 or 1 each.

    Raises ValueError where the two are not of one length, or a confidence is outside 0..1.
    """
    sure, correct = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    if sure.shape != correct.shape:
        raise ValueError("each confidence has an outcome")
    if sure.size and not (sure.min() >= 0.0 and sure.max() <= 1.0):
        raise ValueError("a confidence lies between 0 and 1")
    at = np.minimum((sure * bins).astype(int), bins - 1)
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            int((at == number).sum()),
            float(sure[at == number].mean()),
            float(correct[at == number].mean()),
        )
        for number in sorted(set(at.tolist()))
    ]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[float], bins: int = BINS) -> float:
    """Mean distance between confidence and share of right answers over the bins, by their answers (Guo et al. 2017).

    Raises ValueError without answers, and as `reliability` does.
    """
    if not confidences:
        raise ValueError("calibration needs at least one answer")
    found = reliability(confidences, right, bins)
    return sum(one.answers * abs(one.confidence - one.right) for one in found) / len(confidences)


def paired_bootstrap(first: Sequence[float], second: Sequence[float], seed: int = 0) -> Difference:
    """Resamples questions, the same for both (Koehn 2004); `p` is twice the smaller share of differences past 0.

    Raises ValueError where there are none, or not as many of both.
    """
    if not first or len(first) != len(second):
        raise ValueError("two settings are compared on the same questions, at least one")
    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    generator = np.random.default_rng(seed)
    means = np.array([generator.choice(differences, differences.size, replace=True).mean() for _ in range(RESAMPLES)])
    # One more of each, so that no probability is said to be nought (Davison and Hinkley 1997).
    past = min((means <= 0).sum(), (means >= 0).sum())
    low, high = np.quantile(means, (0.025, 0.975))
    return Difference(
        float(differences.mean()), float(low), float(high), float(min(1.0, 2 * (past + 1) / (RESAMPLES + 1)))
    )


def mcnemar(first: Sequence[float], second: Sequence[float]) -> float:
    """Exact two-sided probability of so uneven a split of the questions that one alone has right (McNemar 1947).

    Outcomes are 0 or 1. 1.0 where both have the same right. Raises ValueError where there are not as many of both.
    """
    # It takes seconds to import, and few runs compare anything.
    from scipy.stats import binomtest

    gained = sum(new > old for old, new in zip(first, second, strict=True))
    lost = sum(new < old for old, new in zip(first, second, strict=True))
    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
