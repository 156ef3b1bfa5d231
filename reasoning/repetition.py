"""Passages that answer together: one that repeats what better ones hold, or reads as they do, says little more."""

from collections.abc import Callable

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
    holding, taken = held[first], np.zeros(held.shape[1])

    def lost(at: int) -> Scores:
        np.maximum(taken, holding[at], out=taken)
        repeated: Scores = REPEATED * np.minimum(holding, taken).sum(axis=1)
        return repeated

    lowered = _one_by_one(scores, first, lost)
    rest = np.ones(len(scores), dtype=bool)
    rest[first] = False
    lowered[rest] -= REPEATED * np.minimum(held[rest], taken).sum(axis=1)
    return lowered


def less_alike(scores: Scores, likeness: Scores, words: Callable[[int], frozenset[str]]) -> Scores:
    """The scores, each less by ALIKE times the passage's own likeness where a better one reads alike.

    Of many passages with the same words and other names the question means one at most, and what is like it is like
    the others, too. How alike two are is the share of the words of the shorter one that both have, beyond COMMON.
    `words`: those of a passage, by its number. The first NEAREST are taken one by one, as in `less_repeated`.
    """
    first = np.argsort(-scores, kind="stable")[:NEAREST]
    own = [words(int(number)) for number in first]
    columns = {word: column for column, word in enumerate(frozenset[str]().union(*own))}
    has = np.zeros((len(first), len(columns)), dtype=np.bool_)
    for row, of in enumerate(own):
        has[row, [columns[word] for word in of]] = True
    # A product of matrices would keep threads of BLAS spinning on all processors.
    bits, counts = np.packbits(has, axis=1), has.sum(axis=1)
    cost, highest = ALIKE * np.maximum(likeness[first], 0.0), np.zeros(len(first))

    def lost(at: int) -> Scores:
        both = np.bitwise_count(bits & bits[at]).sum(axis=1)
        share = both / np.maximum(np.minimum(counts, counts[at]), 1)
        np.maximum(highest, (share - COMMON) / (1.0 - COMMON), out=highest)
        return cost * highest

    return _one_by_one(scores, first, lost)


def _one_by_one(scores: Scores, first: npt.NDArray[np.int64], lost: Callable[[int], Scores]) -> Scores:
    """The scores, lower where passages are among `first`: these are taken one by one, each time the best by then.

    `lost`: what each of `first` is lower by, shape (first,), once the one at this position of them is taken, too.
    """
    lowered, left, less = scores.copy(), scores[first], np.zeros(len(first))
    for _ in first:
        now = left - less
        at = int(np.argmax(now))
        lowered[first[at]] = now[at]
        left[at] = -np.inf
        less = lost(at)
    return lowered
