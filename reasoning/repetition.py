"""Passages that answer together: what one of them repeats of the question that better ones hold says little more."""

import numpy as np
import numpy.typing as npt

REPEATED = 0.5
"""What a passage loses that holds nothing of the question but what better ones hold, where it holds all of it."""
TOP = 100
"""Passages that are taken one by one, best first; what is behind them is lowered once."""

Scores = npt.NDArray[np.float64]


def less_repeated(scores: Scores, held: Scores) -> Scores:
    """The scores, each less by REPEATED times the share of the question that the passage and a better one hold.

    `held`: shape (passages, words), each word's share of the question's weight, where the passage holds it. Passages
    are taken one by one, each time the best by what its score then is; maximal marginal relevance (Carbonell and
    Goldstein 1998) over words.
    """
    first = np.argsort(-scores, kind="stable")[:TOP]
    left, holding = scores[first], held[first]
    taken: Scores = np.zeros(held.shape[1])
    lowered = scores.copy()
    for _ in first:
        now = left - REPEATED * np.minimum(holding, taken).sum(axis=1)
        at = int(np.argmax(now))
        lowered[first[at]] = now[at]
        taken = np.maximum(taken, holding[at])
        left[at] = -np.inf
    rest = np.ones(len(scores), dtype=bool)
    rest[first] = False
    lowered[rest] -= REPEATED * np.minimum(held[rest], taken).sum(axis=1)
    return lowered
