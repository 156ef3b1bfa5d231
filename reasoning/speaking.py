"""Whether any passage speaks of what is asked."""

from collections.abc import Sequence

from reasoning.index import Index
from reasoning.path_ranking import Ranking
from reasoning.words import content_of, overlap

FLOOR = 0.6
"""Best cosine and best overlap together, below which no passage speaks of a question. Measured with MiniLM: questions
about a corpus reach it, nonsense and questions of another trade do not."""


def speaks_of(index: Index, ranking: Ranking, numbers: Sequence[int]) -> bool:
    """Whether these passages are like the question in meaning and in words."""
    if not numbers:
        return False
    passages = [index.passages[number] for number in numbers]
    similar = min(1.0, float(ranking.similar[list(numbers)].max()))
    held = max(overlap(ranking.question, content_of(f"{one.title} {one.text}")) for one in passages)
    return similar + held >= FLOOR
