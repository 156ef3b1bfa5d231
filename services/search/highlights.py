"""Where in a passage's text stands what was searched for."""

from collections.abc import Collection, Iterator

from projections.vector.spelling import LiteralWord, literals_of
from projections.vector.text_query import Literal, TextQuery
from reasoning.words import STOP_WORDS, Word, stem, words_of

Span = tuple[int, int]


def highlights(query: TextQuery, text: str) -> tuple[Span, ...]:
    """Spans of the text, in order and apart: words that rank, in any form, and what had to be there."""
    words = words_of(text)
    stems = {stem(word.folded) for word in words_of(query.ranking) if word.folded not in STOP_WORDS}
    found = sorted(
        {*_ranking(stems, words), *(span for one in query.present for span in _literal(one, literals_of(text)))}
    )
    apart: list[Span] = []
    for start, end in found:
        if apart and start < apart[-1][1]:
            apart[-1] = apart[-1][0], max(end, apart[-1][1])
        else:
            apart.append((start, end))
    return tuple(apart)


def _ranking(stems: Collection[str], words: list[Word]) -> Iterator[Span]:
    return ((word.start, word.end) for word in words if stem(word.folded) in stems)


def _literal(literal: Literal, words: list[LiteralWord]) -> Iterator[Span]:
    size = len(literal.words)
    for at in range(len(words) - size + 1):
        here = words[at : at + size]
        if literal.prefix:
            same = here[0].word.startswith(literal.words[0])
        else:
            same = all(one.word == two for one, two in zip(here, literal.words, strict=True))
        if same:
            yield here[0].start, here[-1].end
