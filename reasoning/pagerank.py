"""Personalized PageRank over a graph of entities and passages (HippoRAG, arXiv 2405.14831, section 2)."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

DAMPING = 0.5
"""Share of the walk that goes on at each step; the rest starts again. Half stays near the question."""
ITERATIONS = 15
"""What is left to move then is below DAMPING ** 15, one part in 30,000."""

Weights = npt.NDArray[np.float64]


def transitions(
    size: int,
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    weights: npt.ArrayLike,
    beyond: Weights | None = None,
) -> sparse.csr_array:
    """Shape (size, size): column j holds the chances of each next node from j. Edges go both ways; doubles add up.

    `left` and `right` are node numbers below `size`, `weights` are above 0, all of one length. `beyond`, shape (size,),
    is the weight of each node's edges to nodes that are none of these.
    """
    ends, others = np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64)
    values = np.asarray(weights, dtype=np.float64)
    graph = sparse.coo_array(
        (np.concatenate([values, values]), (np.concatenate([ends, others]), np.concatenate([others, ends]))),
        shape=(size, size),
    ).tocsr()
    sums: Weights = np.asarray(graph.sum(axis=0), dtype=np.float64).ravel()
    if beyond is not None:
        sums = sums + beyond
    shares = np.divide(1.0, sums, out=np.zeros_like(sums), where=sums > 0)
    return sparse.csr_array(graph @ sparse.diags_array(shares))


def pagerank(
    chances: sparse.csr_array, restart: Weights, *, damping: float = DAMPING, iterations: int = ITERATIONS
) -> Weights:
    """How often a walk that keeps coming back to `restart` is at each node. Shape (nodes,), sums to 1.

    `restart` holds a weight of at least 0 for each node; without any weight above 0 the result is all zeros.
    """
    whole = float(restart.sum())
    if whole <= 0:
        return np.zeros_like(restart, dtype=np.float64)
    start: Weights = restart / whole
    leaving = 1.0 - np.asarray(chances.sum(axis=0)).ravel()
    rank = start
    for _ in range(iterations):
        # A walk that leaves, or is at a node without edges, starts again, so that nothing is lost.
        moved = chances @ rank + start * float(leaving @ rank)
        rank = (1.0 - damping) * start + damping * moved
    return rank
