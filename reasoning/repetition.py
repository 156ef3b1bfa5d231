"""Passages that answer together: one that repeats what better ones hold, or reads as they do, says little more."""

from collections.abc import Callable, Collection
from itertools import chain

import numpy as np
import numpy.typing as npt

REPEATED = 0.5
"""What a passage loses that holds nothing of the question but what better ones hold, where it holds all of it."""
TOP = 100
"""Passages that are taken one by one, best first; what is behind them is lowered once."""
ALIKE, COMMON, NEAREST = 0.7, 0.2, 40
"""What a passage loses of its own likeness that reads as a better one does, the share of words that any two may have in
common, and how many of the best are compared."""

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


def less_alike(scores: Scores, likeness: Scores, words: Callable[[int], Collection[str]]) -> Scores:
    """The scores, each less by ALIKE times the passage's own likeness where a better one reads alike.

    Of many passages with the same words and other names the question means one at most, and what is like it is like
    the others, too. How alike two are is the share of the words of the shorter one that both have, beyond COMMON.
    `words`: those of a passage, by its number. The first NEAREST are taken one by one, as in `less_repeated`.
    """
    first = np.argsort(-scores, kind="stable")[:NEAREST]
    own = [frozenset(words(int(number))) for number in first]
    columns = {word: column for column, word in enumerate(dict.fromkeys(chain.from_iterable(own)))}
    has = np.zeros((len(first), len(columns)), dtype=np.bool_)
    for row, of in enumerate(own):
        has[row, [columns[word] for word in of]] = True
    # A product of matrices would keep threads of BLAS spinning on all processors.
    bits, counts = np.packbits(has, axis=1), has.sum(axis=1)
    cost = ALIKE * np.maximum(likeness[first], 0.0)
    left, highest, lowered = scores[first], np.zeros(len(first)), scores.copy()
    for _ in first:
        now = left - cost * highest
        at = int(np.argmax(now))
        lowered[first[at]] = now[at]
        both = np.bitwise_count(bits & bits[at]).sum(axis=1)
        share = both / np.maximum(np.minimum(counts, counts[at]), 1)
        highest = np.maximum(highest, (share - COMMON) / (1.0 - COMMON))
        left[at] = -np.inf
    return lowered
