"""Where words are in a text of any script: marks belong to their letter, and some scripts have no spaces.

Text of scripts that put no spaces between words is cut into pairs of neighbouring characters, as Lucene's CJK analyser
does: a word of two characters or more is then found wherever it stands, without a dictionary. So is Korean, whose
particles stand right behind the word.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

LAST_COMBINING = 0x1F000
"""Behind it only the tags and variation selectors of plane 14 are marks."""


def _ranges(points: Iterator[int]) -> str:
    """Code points in rising order, as the inside of a character class."""
    runs: list[list[int]] = []
    for point in points:
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" if first < last else chr(first) for first, last in runs)


COMBINING = _ranges(point for point in range(0x300, LAST_COMBINING) if unicodedata.category(chr(point))[0] == "M") + (
    "\U000e0100-\U000e01ef"
)
"""Combining marks (Unicode's category M), as the inside of a character class: accents, vowel signs, points, viramas."""

UNSEEN = "\u00ad\u034f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff"
"""What is not seen within a word: soft hyphens, joiners, marks of direction, variation selectors."""

UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46"  # Thai
    "\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"  # Lao
    "\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3"  # Burmese, Khmer
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"  # Hangul
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b"  # iteration marks and numerals of Han
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Kana
    "\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # Bopomofo, Han
)
"""Letters of scripts that are written without spaces, or with words that run on, as the inside of a class."""

MOST_COMBINING = 30
"""On one letter, as in the stream-safe format of Unicode's annex 15: ordering them takes time by their square."""

_SPECIAL = re.compile(f"[{COMBINING}{UNSEEN}{UNSPACED}]")
# Latin, Greek and Cyrillic letters, punctuation and symbols are not: few ranges are looked through much faster.
_OTHER = re.compile(
    "[^\x00-\xac\xae-\u02ff\u0370-\u0482\u048a-\u0530\u1e00-\u1fff"
    "\u2000-\u200a\u2010-\u2029\u2030-\u205f\u2070-\u20cf\u2100-\u2bff]"
)
_PLAIN = re.compile(r"\w+")
_RUN = re.compile(rf"\w[\w{COMBINING}]*+(?:[{UNSEEN}]++[\w{COMBINING}]++)*+")
_PARTS = re.compile(rf"[{UNSPACED}][{UNSPACED}{COMBINING}{UNSEEN}]*+|[^{UNSPACED}]++")
# A syllable of Hangul may be written as its parts (NFD).
_LETTERS = re.compile(rf"(?:[\u1100-\u115f]++[\u1160-\u11a7]*+[\u11a8-\u11ff]*+|[{UNSPACED}])[{COMBINING}{UNSEEN}]*+")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_TOO_MANY = re.compile(rf"([{COMBINING}]{{{MOST_COMBINING}}})[{COMBINING}]++")

Bounds = tuple[int, int]


def is_plain(text: str) -> bool:
    """Whether it has neither marks nor letters of scripts without spaces: `\\w+` then finds its words."""
    if text.isascii() or (other := _OTHER.search(text)) is None:
        return True
    return _SPECIAL.search(text, other.start()) is None


def word_bounds(text: str) -> list[Bounds]:
    """Start and end of each word, in order. Of what has no spaces: of each pair of neighbouring letters."""
    if is_plain(text):
        return plain_bounds(text)
    return [bounds for part in parts(text) for bounds in pairs(part)]


def plain_bounds(text: str) -> list[Bounds]:
    """The same of a plain text."""
    return [match.span() for match in _PLAIN.finditer(text)]


def parts(text: str) -> Iterator[list[Bounds]]:
    """Words in order: one with spaces as one pair of bounds, a run of letters without as the bounds of each letter."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        if _UNSPACED.search(text, start, end) is None:
            yield [(start, end)]
            continue
        for part in _PARTS.finditer(text, start, end):
            if _UNSPACED.match(text, part.start()) is None:
                yield [part.span()]
            else:
                yield [letter.span() for letter in _LETTERS.finditer(text, *part.span())]


def pairs(letters: list[Bounds]) -> list[Bounds]:
    """Of each pair of neighbours; a letter that stands alone is its own."""
    if len(letters) == 1:
        return letters
    return [(first, last) for (first, _), (_, last) in pairwise(letters)]


def bounded(text: str) -> str:
    """Without the marks beyond MOST_COMBINING on one letter: Unicode is asked about no more of them."""
    return text if text.isascii() else _TOO_MANY.sub(r"\1", text)


def is_lower(word: str) -> bool:
    """Whether it is written as plain words are, in lower case. A script without case says nothing of it."""
    if word.isascii():
        return word == word.lower()
    return word == word.lower() and not any(unicodedata.category(letter) == "Lo" for letter in word)
