"""What a passage is about has names: its title, parts of that, and the subject of its first sentence."""

import re

TITLE, UNBRACKETED, BEFORE_COMMA, SUBJECT = 1.0, 0.9, 0.6, 0.7
_BRACKETED = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")


def names_of(title: str | None, subject: str | None) -> list[tuple[str, float]]:
    """(name, quality in 0..1), best first, each once. A single lower-case word is no name."""
    candidates: list[tuple[str, float]] = []
    if title:
        candidates.append((title, TITLE))
        plain = _BRACKETED.sub("", title)
        candidates.append((plain, UNBRACKETED))
        candidates.append((plain.split(",")[0], BEFORE_COMMA))
    if subject:
        candidates.append((subject, SUBJECT))
    best: dict[str, float] = {}
    for name, quality in candidates:
        name = " ".join(name.split())
        if is_name(name):
            best[name] = max(quality, best.get(name, 0.0))
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))


def is_name(name: str) -> bool:
    """Whether a string can be a name: at least two characters, and not one lower-case word."""
    return len(name) > 1 and (" " in name or name != name.lower())
