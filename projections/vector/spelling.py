"""What full text reads of a passage and of a query, in both databases alike: composed letters, words where none are.

Text without marks and with spaces between its words is read as it stands. Everything else is composed (NFC), loses
what is not seen, and where its script puts no spaces between words has pairs of letters; documents the letters, too.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from contracts.languages import detect
from contracts.scripts import UNSEEN, bounded, is_plain, pairs, parts

ENGLISH, OTHER = "english", "simple"
ANALYSERS = {
    "en": ENGLISH, "de": "german", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese", "nl": "dutch",
    "ru": "russian", "ar": "arabic", "hi": "hindi", "he": OTHER, "zh": OTHER, "ja": OTHER, "ko": OTHER, "th": OTHER,
}  # fmt: skip
"""By language, the text search configuration of PostgreSQL; OpenSearch has analysers of like names."""

_NO_WORD = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) != "_"}
_LITERAL = re.compile(r"[^\W_]+")
_NO_UNDERSCORE = re.compile("[^_]+")
_UNSEEN = re.compile(f"[{UNSEEN}]+")
# Letters that databases write small in ways of their own.
_OWN_CASE = re.compile("[\u0130\u03a3\u03c2]")


class LiteralWord(NamedTuple):
    """`text[start:end]`, in lower case and composed."""

    word: str
    start: int
    end: int


def analyser_of(text: str) -> str:
    """That of a document's text. What tells no language is read as English, of another one the very words."""
    language = detect(text)
    return ENGLISH if language is None else ANALYSERS.get(language, OTHER)


def is_ordinary(text: str) -> bool:
    """Whether databases read it alike as it stands."""
    return text.isascii() or (
        is_plain(text) and _OWN_CASE.search(text) is None and unicodedata.is_normalized("NFC", text)
    )


def spelled(text: str, *, letters: bool = False) -> str:
    """As full text reads it: `letters` for what is searched in, where single ones are found, too."""
    if is_ordinary(text):
        return text
    found: list[str] = []
    end = 0
    for part in parts(text):
        found.append(text[end : part[0][0]])
        end = part[-1][1]
        if len(part) == 1:
            found.append(_composed(text[slice(*part[0])]))
            # An unspaced letter may stand right beside a word that has spaces.
            found.append(" " if end < len(text) and text[end].isalnum() else "")
            continue
        words = [_composed(text[first:last]) for first, last in (*pairs(part), *(part if letters else ()))]
        found.append(f" {' '.join(words)} ")
    found.append(text[end:])
    return "".join(found)


def literals_of(text: str) -> list[LiteralWord]:
    """Words as phrases are compared by, in order: letters and digits, where there are no spaces each letter."""
    if is_plain(text):
        return [LiteralWord(_composed(found[0]).lower(), *found.span()) for found in _LITERAL.finditer(text)]
    return list(_literals(text))


def _literals(text: str) -> Iterator[LiteralWord]:
    for part in parts(text):
        for start, end in part:
            for piece in _NO_UNDERSCORE.finditer(text, start, end):
                word = _composed(piece[0]).lower()
                if any(map(str.isalnum, word)):
                    yield LiteralWord(word, *piece.span())


def ranking_words(text: str) -> list[str]:
    """The same, but pairs of letters where there are no spaces."""
    if is_plain(text):
        return [one.word for one in literals_of(text)]
    found: list[str] = []
    for part in parts(text):
        if len(part) == 1:
            found += [one.word for one in literals_of(text[slice(*part[0])])]
        else:
            found += [_composed(text[start:end]).lower() for start, end in pairs(part)]
    return found


def length_of(text: str) -> int:
    """How many words full text counts."""
    if text.isascii():
        return len(text.translate(_NO_WORD).split())  # in a quarter of the time
    return len(re.findall(r"\w+", text)) if is_plain(text) else sum(map(len, parts(text)))


def _composed(word: str) -> str:
    if word.isascii():
        return word
    composed = unicodedata.normalize("NFC", bounded(_UNSEEN.sub("", word)))
    dotless = composed.replace("\u0130", "I").replace("I\u0307", "I")
    return dotless.replace("\u03a3", "\u03c3").replace("\u03c2", "\u03c3")
