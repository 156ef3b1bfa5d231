"""From ranked passages to an answer: the sentence that says best what the question asks beside its names."""

from collections.abc import Mapping, Sequence

from contracts.reasoning import ANSWER_CHARACTERS
from reasoning.index import Index
from reasoning.path_ranking import Ranking
from reasoning.words import QUESTION_WORDS, content_of, overlap, shortened, stem, words_of

FLOOR = 0.6
"""Best cosine and best overlap together, below which nothing supports an answer. Measured with MiniLM: questions
about a corpus reach it, nonsense and questions of another trade do not."""
REACHED, PLACED = 0.2, 0.3
"""Beside an overlap of 1: a question names what is known and asks for what is not, so a passage gains that it does not
name but leads to; and the best passage gains, others by their share of its score."""

FARTHER = 0.85
"""What a word of the question says of the thing asked for falls by this with each word between it and `who`, `what`."""

OPENING = 3
"""Words within which a question that begins by asking does ask."""


def confidence_of(index: Index, ranking: Ranking, sources: Sequence[int]) -> float:
    """In 0..1: the mean of the best source's cosine and the share of the question that the sources hold together.

    0 where there is no evidence: no single passage is like the question in meaning and in words.
    """
    if not sources:
        return 0.0
    contents = [_content(index, source) for source in sources]
    similar = min(1.0, float(ranking.similar[list(sources)].max()))
    if similar + max(overlap(ranking.question, content) for content in contents) < FLOOR:
        return 0.0
    return (similar + overlap(ranking.question, frozenset().union(*contents))) / 2


def answer_of(index: Index, question: str, ranking: Ranking, sources: Sequence[int]) -> str | None:
    """The best sentence of the sources as it stands in its passage; None where they hold none.

    What the question names is left out of the comparison: every sentence of a passage about a name speaks of it, and
    the words around it tell what is asked. Among equals the better passage and the earlier sentence win. One that is
    longer than ANSWER_CHARACTERS is cut.
    """
    asked = _asked(question, ranking)
    named = {link.target for link in ranking.named}
    highest = max((float(ranking.scores[source]) for source in sources), default=0.0)
    best: tuple[float, str] | None = None
    for source in sources:
        passage = index.passages[source]
        title = content_of(passage.title)
        way = ranking.way_to(source)
        worth = PLACED * float(ranking.scores[source]) / highest if highest > 0 else 0.0
        worth += REACHED if way and way[-1][0] in named else 0.0
        for start, end, content in index.sentences_of(source):
            support = worth + overlap(asked, content | title)
            if best is None or support > best[0]:
                best = support, passage.text[start:end]
    return shortened(best[1], ANSWER_CHARACTERS) if best is not None else None


def _asked(question: str, ranking: Ranking) -> Mapping[str, float]:
    """The question's words outside its names (all where nothing else is left), by how near a question word they are."""
    names = content_of(" ".join(question[link.start : link.end] for link in ranking.named))
    weights = {word: weight for word, weight in ranking.question.items() if word not in names} or ranking.question
    words = [word.folded for word in words_of(question)]
    interrogatives = [index for index, word in enumerate(words) if word in QUESTION_WORDS]
    if not interrogatives:
        return weights
    # "In which town lived the man who": what comes after the one that asks only relates. Some ask at the end instead.
    asks = interrogatives[0] if interrogatives[0] < OPENING else interrogatives[-1]
    nearness: dict[str, float] = {}
    for index, word in enumerate(words):
        near = FARTHER ** abs(index - asks)
        nearness[stem(word)] = max(near, nearness.get(stem(word), 0.0))
    return {word: weight * nearness[word] for word, weight in weights.items()}


def _content(index: Index, number: int) -> frozenset[str]:
    passage = index.passages[number]
    return content_of(f"{passage.title} {passage.text}")
