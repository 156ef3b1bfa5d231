"""What a full-text search asks for, whichever database answers it."""

from dataclasses import dataclass
from typing import NamedTuple

from projections.vector.spelling import literals_of

MOST_WORDS, MOST_LITERALS = 512, 32
"""Different words that rank, and words or phrases that must or must not be there; OpenSearch takes 1,024 clauses."""


def literal_words(text: str) -> tuple[str, ...]:
    """Runs of letters and digits, in lower case: what phrases are compared by, in both databases alike."""
    return tuple(one.word for one in literals_of(text))


class Literal(NamedTuple):
    """Words that stand side by side as they are given, case aside; `prefix`: the one word need only begin so."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class TextQuery:
    """`ranking`: words of which a passage must have one, in any form, where there are any; they rank it (BM25).

    `present` and `absent`: what it must have all, and none, of in title or text. Without ranking words all that have
    what must be present are alike.
    """

    ranking: str = ""
    present: tuple[Literal, ...] = ()
    absent: tuple[Literal, ...] = ()

    def admits(self, text: str) -> bool:
        """Whether a passage's title and text, one after the other, have what must be there, and not what must not."""
        words = literal_words(text)
        return all(_holds(words, one) for one in self.present) and not any(_holds(words, one) for one in self.absent)


def _holds(words: tuple[str, ...], literal: Literal) -> bool:
    if literal.prefix:
        return any(word.startswith(literal.words[0]) for word in words)
    size = len(literal.words)
    return any(words[at : at + size] == literal.words for at in range(len(words) - size + 1))
