"""Personalized PageRank over a graph of entities and passages (HippoRAG, arXiv 2405.14831, section 2)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

DAMPING = 0.5
"""Share of the walk that goes on at each step; the rest starts again. Half stays near the question."""
ITERATIONS = 15
"""What is left to move then is below DAMPING ** 15, one part in 30,000."""

Weights = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Transitions:
    """A sparse matrix: `chances[i]` to go from node `sources[i]` to node `targets[i]`.

    NumPy is enough for what is asked of it; SciPy's matrices take longer to import than a question to answer.
    """

    size: int
    sources: Numbers
    targets: Numbers
    chances: Weights

    @property
    def leaving(self) -> Weights:
        """How likely a walk at each node goes to none of the others. Shape (size,)."""
        return 1.0 - _sums(self.sources, self.chances, self.size)

    def step(self, rank: Weights) -> Weights:
        """Where a walk is next that is at each node as likely as `rank` says. Shape (size,)."""
        return _sums(self.targets, self.chances * rank[self.sources], self.size)

    def toarray(self) -> Weights:
        """Shape (size, size): column j holds the chances of each next node from j."""
        whole = np.zeros((self.size, self.size))
        np.add.at(whole, (self.targets, self.sources), self.chances)
        return whole


def transitions(
    size: int,
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    weights: npt.ArrayLike,
    beyond: Weights | None = None,
) -> Transitions:
    """The chances of each next node from each. Edges go both ways; doubles add up.

    `left` and `right` are node numbers below `size`, `weights` are above 0, all of one length. `beyond`, shape (size,),
    is the weight of each node's edges to nodes that are none of these.
    """
    ends, others = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    values = np.tile(np.asarray(weights, dtype=np.float64), 2)
    sources, targets = np.concatenate([ends, others]), np.concatenate([others, ends])
    sums = _sums(sources, values, size)
    if beyond is not None:
        sums = sums + beyond
    return Transitions(size, sources, targets, values / sums[sources])


def _sums(numbers: Numbers, values: Weights, size: int) -> Weights:
    """The values of each number added up, in floats also where there are none. Shape (size,)."""
    return np.bincount(numbers, weights=values, minlength=size).astype(np.float64)


def pagerank(
    chances: Transitions, restart: Weights, *, damping: float = DAMPING, iterations: int = ITERATIONS
) -> Weights:
    """How often a walk that keeps coming back to `restart` is at each node. Shape (nodes,), sums to 1.

    `restart` holds a weight of at least 0 for each node; without any weight above 0 the result is all zeros.
    """
    whole = float(restart.sum())
    if whole <= 0:
        return np.zeros_like(restart, dtype=np.float64)
    start: Weights = restart / whole
    leaving = chances.leaving
    rank = start
    for _ in range(iterations):
        # A walk that leaves, or is at a node without edges, starts again, so that nothing is lost.
        moved = chances.step(rank) + start * float(leaving @ rank)
        rank = (1.0 - damping) * start + damping * moved
    return rank
