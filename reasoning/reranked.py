"""The order of the best passages, with a cross-encoder's opinion."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reasoning.fusion import reciprocal_rank_fusion
from reasoning.path_ranking import Ranking

RERANKED = 30
"""Passages that the reranker is asked about."""


def reranked(ranking: Ranking, numbers: Sequence[int], fits: Sequence[float]) -> Ranking:
    """The same scores, given to these passages in another order: that of both rankings fused.

    The reranker sees a passage alone, and the last passage of a path need share nothing with the question, so its
    opinion does not replace the ranking. `numbers` are the best, best first; `fits` is the reranker's score of each.
    """
    by_fit = [numbers[at] for at in np.argsort(-np.asarray(fits, dtype=float), kind="stable").tolist()]
    rank_of = {str(number): rank for rank, number in enumerate(numbers)}
    fused = reciprocal_rank_fusion([list(map(str, numbers)), list(map(str, by_fit))])
    order = sorted(fused, key=lambda pair: (-pair[1], rank_of[pair[0]]))
    scores = ranking.scores.copy()
    scores[[int(name) for name, _ in order]] = ranking.scores[list(numbers)]
    return replace(ranking, scores=scores)
