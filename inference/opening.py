"""What a text without a title is about: the name that it opens with, as encyclopedias define things."""

import re
from collections.abc import Iterator

MOST_CHARACTERS, MOST_WORDS = 120, 10
"""Where a name that a text opens with ends at last."""
LONGEST_ABBREVIATION = 4
"""Characters of a word whose full stop ends no sentence."""

_END = re.compile(r"\s*(?:\(|,\s(?:also|or|formerly|sometimes|known|commonly)\b|[,;]|\b(?:is|was|are|were)\b)")
_LIFE = re.compile(r"\s*,?\s*\((?:[^()]*\b(?:born|b\.)\s|[^()]*\d{3,4}\s*[\u2013\u2014-]\s*[^()]*\d{3,4}\))")
"""The dates of a person's life, in brackets."""
_SENTENCE_END = re.compile(r"[a-z]{2}\.\s")
_ARTICLES = frozenset({"the", "a", "an"})
_JOINING = frozenset(
    ["of", "the", "and", "in", "for", "at", "on", "to", "de", "la", "le", "du", "da", "di", "von", "van", "&"]
)
_LEADING = frozenset(
    {
        "he", "she", "it", "they", "we", "i", "you", "this", "that", "these", "those", "there", "here", "in",
        "on", "at", "by", "for", "from", "with", "after", "before", "during", "since", "when", "while",
        "although", "though", "as", "if", "its", "his", "her", "their", "my", "our", "your", "some", "many",
        "most", "all", "each", "both", "no", "not", "one",
    }
)  # fmt: skip
"""Words that begin a sentence and, but for titles of works, no name."""
_QUOTES = "\"'\u201c\u201d\u2018\u2019`"
_NICKNAME = re.compile(r"[\"\u201c']([^\"\u201d']+)[\"\u201d']")


def opening_names(text: str) -> Iterator[tuple[str, bool]]:
    """The name that a text opens with, if any; then, with True, what else it may be called.

    That is each side of an `or`, and a person without middle names or with the nickname that stands in quotes.
    """
    name, end = _opening(text[: 2 * MOST_CHARACTERS])
    if not name:
        return
    yield name.strip(_QUOTES), False
    if " or " in name:
        yield from ((side.strip(_QUOTES + " "), True) for side in name.split(" or "))
    if _LIFE.match(text, end):
        yield from ((short, True) for short in _short_forms(name))


def _opening(text: str) -> tuple[str, int]:
    """The name and where it ends; an empty one where the text begins with none."""
    found = _END.search(text, 1, MOST_CHARACTERS)
    end = found.start() if found is not None else 0
    defined = found is not None and found[0].strip() not in {",", ";"}
    words = text[:end].split()
    named = defined and not _SENTENCE_END.search(text, 0, end)
    if not 0 < len(words) <= MOST_WORDS or not (named or all(_is_large(word) or _joins(word) for word in words)):
        words, end, defined = _large_run(text), 0, False
    if words and words[0].lower() in _ARTICLES:
        words = words[1:]
    if not any(map(_is_large, words)) or (len(words) == 1 and not defined):
        return "", 0
    if words[0].strip(_QUOTES).lower() in _LEADING and not (defined and all(map(_is_large, words)) and len(words) > 1):
        return "", 0
    return " ".join(words), end


def _large_run(text: str) -> list[str]:
    """Words with a capital, from the first on, and what joins them."""
    run: list[str] = []
    for word in text.split()[:MOST_WORDS]:
        if not (_is_large(word) or _joins(word)):
            break
        run.append(word.rstrip(",;:"))
        if word[-1] in ",;:" or (word[-1] == "." and len(word) > LONGEST_ABBREVIATION):
            break
    while run and not _is_large(run[-1]):
        run.pop()
    return run


def _is_large(word: str) -> bool:
    first = word.strip(_QUOTES + "([")[:1]
    return first.isupper() or first.isdigit()


def _joins(word: str) -> bool:
    return word.lower() in _JOINING


def _short_forms(name: str) -> Iterator[str]:
    nickname = _NICKNAME.search(name)
    words = _NICKNAME.sub(" ", name).split()
    if len(words) > 2:
        yield f"{words[0]} {words[-1]}"
    if nickname is not None and words:
        yield f"{nickname[1]} {words[-1]}"
