"""What a passage is about has names: its title and parts of that, or the words it opens with, and its first subject."""

import re
import unicodedata

from inference.opening import opening_names

TITLE, UNBRACKETED, BEFORE_COMMA, SUBJECT, OPENING, SHORT_FORM = 1.0, 0.9, 0.6, 0.7, 0.9, 0.7
_BRACKETED = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")


def names_of(title: str | None, subject: str | None, beginning: str = "") -> list[tuple[str, float]]:
    """(name, quality in 0..1), best first, each once. A single lower-case word is no name.

    `subject`: of the passage's first sentence. `beginning`: of the document, whose opening words name its thing where
    there is no title; beside a title they do harm.
    """
    candidates: list[tuple[str, float]] = []
    if title:
        candidates.append((title, TITLE))
        plain = _BRACKETED.sub("", title)
        candidates.append((plain, UNBRACKETED))
        candidates.append((plain.split(",")[0], BEFORE_COMMA))
    else:
        candidates += [(name, SHORT_FORM if short else OPENING) for name, short in opening_names(beginning)]
    if subject:
        candidates.append((subject, SUBJECT))
    best: dict[str, float] = {}
    for name, quality in candidates:
        name = " ".join(name.split())
        if is_name(name):
            best[name] = max(quality, best.get(name, 0.0))
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))


def is_name(name: str) -> bool:
    """Whether a string can be a name: at least two characters, and not one lower-case word.

    A script without case says nothing of that: one word of it may be a name.
    """
    return len(name) > 1 and (" " in name or name != name.lower() or _has_letters_without_case(name))


def _has_letters_without_case(name: str) -> bool:
    return not name.isascii() and any(unicodedata.category(letter) == "Lo" for letter in name)
