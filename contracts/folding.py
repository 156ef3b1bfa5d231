"""Names and words as they are compared: without case and accents."""

import unicodedata
from functools import lru_cache

from contracts.ids import normalise_name

NAME_WORDS = 12
"""Longer names are no names that a text or a question is searched for."""
NAME_CHARACTERS = 200


def fold(text: str) -> str:
    """Without case and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@lru_cache(maxsize=1 << 16)
def name_key(name: str) -> str:
    """What spellings of one name share, its folded words; "" for what is no name or too long to be looked for."""
    words = fold(normalise_name(name)).split()
    key = " ".join(words)
    return key if len(words) <= NAME_WORDS and len(key) <= NAME_CHARACTERS else ""
