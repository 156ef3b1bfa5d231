"""What was learned on development sets: the weight of each feature of a span, and of what makes an answer sure.

`bench/answers.py` made `learned.json`; `docs/answers.md` tells of what, and how good it is.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from reasoning.answering.confidence_features import CONFIDENCE_FEATURES
from reasoning.answering.features import FEATURES, Scored

Values = npt.NDArray[np.float64]

PLAIN, BEHIND = 2.0, 2.0
"""A score from which on a span is an answer that may be given, and how far behind it others then come."""


class Linear(NamedTuple):
    """A linear function of standardised features: (x - mean) / deviation @ weights + bias."""

    mean: Values
    deviation: Values
    weights: Values
    bias: float

    def of(self, features: Sequence[Sequence[float]]) -> Values:
        """Shape (rows,)."""
        values: Values = ((np.asarray(features, dtype=np.float64) - self.mean) / self.deviation) @ self.weights
        return values + self.bias


class Learned(NamedTuple):
    """`spans` ranks what may answer, `confidence` is the logit of its being right."""

    spans: Linear
    confidence: Linear


@cache
def learned() -> Learned:
    """Read once. Raises ValueError where the file is of other features than the code."""
    stored = json.loads(files("reasoning.answering").joinpath("learned.json").read_text("utf-8"))
    return Learned(_linear(stored["spans"], FEATURES), _linear(stored["confidence"], CONFIDENCE_FEATURES))


def _linear(stored: Mapping[str, object], names: tuple[str, ...]) -> Linear:
    features = stored["features"]
    if not isinstance(features, dict) or tuple(features) != names:
        raise ValueError("learned.json is of other features; make it anew with python -m bench answers")
    mean, deviation, weights = (np.array(column, dtype=np.float64) for column in zip(*features.values(), strict=True))
    bias = stored["bias"]
    return Linear(mean, deviation, weights, float(bias) if isinstance(bias, int | float) else 0.0)


class Ranked(NamedTuple):
    """A span, its score, and its share of the likelihood of all."""

    span: Scored
    score: float
    share: float


def giving_way(spans: Sequence[Scored], scores: Values) -> Values:
    """The scores, where a doubted span comes behind what another sentence tells plainly that says as much."""
    outer = FEATURES.index("outer")
    plain = [(one.features[outer], score) for one, score in zip(spans, scores.tolist(), strict=True) if not one.doubted]
    lowered = scores.copy()
    for number, one in enumerate(spans):
        if one.doubted:
            best = max((score for told, score in plain if told >= one.features[outer]), default=0.0)
            if best > PLAIN:
                lowered[number] = min(lowered[number], best - BEHIND)
    return lowered


def ranked(spans: Sequence[Scored], scores: Values) -> list[Ranked]:
    """The largest share first, each text once; equals in order of appearance. Shares of spans of one text add up."""
    if not spans:
        return []
    likelihood = np.exp(scores - scores.max())
    likelihood /= likelihood.sum()
    shares: dict[tuple[str, ...], float] = {}
    for span, share in zip(spans, likelihood.tolist(), strict=True):
        shares[span.name] = shares.get(span.name, 0.0) + share
    best: dict[tuple[str, ...], Ranked] = {}
    for number in np.argsort(-scores, kind="stable").tolist():
        span = spans[number]
        # Many that are added may come to a little more than all.
        best.setdefault(span.name, Ranked(span, float(scores[number]), min(1.0, shares[span.name])))
    return sorted(best.values(), key=lambda one: -one.share)


def sigmoid(value: float) -> float:
    """The logistic function."""
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))
