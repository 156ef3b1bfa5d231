"""What counts as text: something that a reader can see."""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Cs"})
"""Categories of Unicode without a glyph: controls, formats (U+200B, U+FEFF, U+2060, ...), spaces, lone surrogates."""

_UNSEEN_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters, marks and a symbol that are drawn as nothing: fillers, joiners, variation selectors, blank Braille."""


def is_blank(text: str) -> bool:
    """Whether a text holds nothing that can be seen: white space, byte order marks, other invisible characters."""
    return not any(map(_is_seen, text))


def _is_seen(character: str) -> bool:
    if character.isascii():
        return "!" <= character <= "~"
    if character in _UNSEEN_LETTERS or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return False
    return unicodedata.category(character) not in _UNSEEN
