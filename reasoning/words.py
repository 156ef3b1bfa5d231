"""Words of a text: where they are, which of them carry meaning, and how rare each is."""

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import chain
from sys import intern
from typing import NamedTuple

from contracts.folding import fold as fold
from contracts.scripts import Bounds, is_plain, parts, plain_bounds

_POSSESSIVES = ("'s", "\u2019s")
# Words of a plain text; an s behind an apostrophe is none.
_PLAIN = re.compile(r"\w++(?<!['\u2019][s\u017fS])")
_SUFFIXES = ("ational", "ations", "ation", "ingly", "ities", "ings", "ing", "edly", "ment", "ness", "ies", "ity", "ers")
_ENDINGS = (*_SUFFIXES, "ed", "er", "es", "or", "ly", "al", "s", "e", "y")
# By their last letter, each list in their order: most words end in none of these.
_ENDING_IN = {last: [one for one in _ENDINGS if one[-1] == last] for last in {one[-1] for one in _ENDINGS}}
_STOP = """
    a about after all also am an and any are as at be been before being both but by can did do does
    during each either for from had has have having he her hers him his how i if in into is it its
    itself kind many may me more most much my name named no nor not of on one or other our out over same
    she should since so some such than that the their them then there these they this those through to
    type until up was we were what when where whether which while who whom whose why will with would you
    your
"""
STOP_WORDS = frozenset(_STOP.split())
"""Words that say how a thing is asked or told, not what of."""

QUESTION_WORDS = frozenset({"how", "what", "when", "where", "which", "who", "whom", "whose", "why"})


class Word(NamedTuple):
    """`text[start:end]`, folded."""

    folded: str
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """Words in order, without case, accents and possessive s: who asks for Dvorak means Dvořák.

    Where words have no spaces, pairs of neighbouring letters, which overlap.
    """
    if not is_plain(text):
        return list(_special_words(text))
    found: list[Word] = []
    lower = text.lower() if text.isascii() else None
    for start, end in plain_bounds(text):
        if end - start == 1 and start > 0 and text[start - 1 : end].casefold() in _POSSESSIVES:
            continue
        found.append(Word(fold(text[start:end]) if lower is None else lower[start:end], start, end))
    return found


def _special_words(text: str) -> Iterator[Word]:
    """Letters are folded one by one: there are many pairs, and few letters."""
    for part in parts(text):
        folded = [_folded(text[start:end]) for start, end in part]
        if len(part) > 1:
            pairs = zip(folded, folded[1:], part, part[1:], strict=False)
            yield from (Word(one + two, first[0], last[1]) for one, two, first, last in pairs)
            continue
        ((start, end),) = part
        if end - start > 1 or start == 0 or text[start - 1 : end].casefold() not in _POSSESSIVES:
            yield Word(folded[0], start, end)


class Words:
    """The words of a text as `words_of` has them, for many texts: where they are is worked out when it is asked for.

    Read by many threads.
    """

    __slots__ = ("_bounds", "_text", "folded")

    def __init__(self, text: str) -> None:
        self._text = text
        self._bounds: array[int] | None = None
        self.folded: tuple[str, ...]
        if text.isascii():
            self.folded = tuple(map(intern, _PLAIN.findall(text.lower())))
        elif is_plain(text):
            found = _PLAIN.findall(text)
            self.folded = tuple([intern(word.lower()) if word.isascii() else _folded(word) for word in found])
        else:
            words = list(_special_words(text))
            self.folded = tuple([word.folded for word in words])
            self._bounds = array("I", chain.from_iterable([word[1:] for word in words]))

    def bounds(self, first: int, last: int) -> Bounds:
        """Where word number `first` starts, and word number `last` ends."""
        bounds = self._bounds
        if bounds is None:
            matches = _PLAIN.finditer(self._text)
            bounds = self._bounds = array("I", chain.from_iterable([match.span() for match in matches]))
        return bounds[2 * first], bounds[2 * last + 1]


@lru_cache(maxsize=1 << 16)
def _folded(word: str) -> str:
    return fold(word)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """What a word shares with its other forms: one ending is cut where at least four letters stay. Crude, English."""
    for ending in _ENDING_IN.get(word[-1:], ()):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word[:-1] if len(word) == 4 and word.endswith("s") else word


def content_of(text: str) -> frozenset[str]:
    """Stems of the words that carry meaning."""
    return stems_of(Words(text).folded)


def stems_of(folded: Iterable[str]) -> frozenset[str]:
    """The same, of folded words."""
    return frozenset([stem(word) for word in set(folded) if word not in STOP_WORDS])


class Rarity:
    """How much a shared word says: the logarithm of passages over passages that hold it (Sparck Jones 1972)."""

    def __init__(self, contents: Iterable[Iterable[str]]) -> None:
        """`contents`: the stems of each passage."""
        frequencies: Counter[str] = Counter()
        count = 0
        for content in contents:
            frequencies.update(set(content))
            count += 1
        self._count(count, frequencies)

    @classmethod
    def counted(cls, passages: int, frequencies: Mapping[str, int]) -> "Rarity":
        """`frequencies`: in how many of these passages each stem is."""
        rarity = cls(())
        rarity._count(passages, frequencies)
        return rarity

    def _count(self, passages: int, frequencies: Mapping[str, int]) -> None:
        self._weights = {
            word: math.log(1.0 + passages / frequency) for word, frequency in frequencies.items() if frequency > 0
        }
        self._unseen = math.log(2.0 + passages)

    def weigh(self, content: Iterable[str]) -> Mapping[str, float]:
        """Each stem's weight, in order of the stems: sums of them are the same in every process. One that no passage
        holds weighs most."""
        return {word: self._weights.get(word, self._unseen) for word in sorted(content)}


def overlap(question: Mapping[str, float], content: Iterable[str]) -> float:
    """Share of the question's weight that `content` holds, in 0..1; 0 for a question without weight."""
    whole = sum(question.values())
    held = content if isinstance(content, frozenset) else frozenset(content)
    return sum(weight for word, weight in question.items() if word in held) / whole if whole > 0 else 0.0


def shortened(text: str, characters: int) -> str:
    """The text, cut to so many characters; three dots at its end say that it was."""
    return text if len(text) <= characters else text[: characters - 3] + "..."
