"""Several rankings made one, by rank alone: scores of different searches cannot be compared."""

from collections.abc import Iterable, Sequence

K = 10
"""How much lower ranks still count. The paper takes 60 for long lists; 10 suits lists whose first few matter."""


def reciprocal_rank_fusion(rankings: Iterable[Sequence[str]], k: int = K) -> list[tuple[str, float]]:
    """(id, sum of 1 / (k + rank)) over all rankings, best first, ranks from 1; equal scores in order of id.

    An id that a ranking repeats counts there once, at its best rank. Cormack, Clarke and Buettcher, SIGIR 2009.
    """
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, found in enumerate(dict.fromkeys(ranking), start=1):
            scores[found] = scores.get(found, 0.0) + 1.0 / (k + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
