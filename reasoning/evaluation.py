"""How good a ranking is, and how slow: plain functions for measuring."""

import math
from collections.abc import Collection, Sequence


def recall_at(ranked: Sequence[str], gold: Collection[str], k: int) -> float:
    """Share of the gold ids among the first `k`. Raises ValueError without gold."""
    if not gold:
        raise ValueError("recall needs at least one gold passage")
    wanted = set(gold)
    return len(wanted.intersection(ranked[:k])) / len(wanted)


def all_at(ranked: Sequence[str], gold: Collection[str], k: int) -> bool:
    """Whether every gold id is among the first `k`. Raises ValueError without gold."""
    return recall_at(ranked, gold, k) == 1.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0..1) of the values do not exceed; the nearest-rank method.

    Raises ValueError without values, or for a share outside 0..1.
    """
    if not values:
        raise ValueError("a percentile needs at least one value")
    if not 0.0 <= share <= 1.0:
        raise ValueError("a percentile's share lies between 0 and 1")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
