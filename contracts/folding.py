"""Names and words as they are compared: without case, accents and points."""

import re
import unicodedata
from functools import lru_cache

from contracts.ids import is_plain_name, normalise_name
from contracts.scripts import UNSEEN, bounded, is_plain, word_bounds

NAME_WORDS = 12
"""Longer names are no names that a text or a question is searched for."""
NAME_CHARACTERS = 200

# Accents of Latin, Greek and Cyrillic letters: who asks for Dvorak means Dvořák.
_ACCENTS = (
    "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
    "\u2de0-\u2dff\ua66f-\ua672\ua674-\ua67d\ufe20-\ufe2f"
)
# Points of Hebrew and Arabic are written for learners and in verse; the same word mostly stands without them. What
# makes another letter of an Arabic one (hamza, madda) stays, and so do vowel signs of Indic scripts and marks of Thai:
# these are half of the word (मीरा and मोर are two names).
_POINTS = (
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
)
_DROPPED = re.compile(f"[{_ACCENTS}{_POINTS}{UNSEEN}]+")


def fold(text: str) -> str:
    """Without case, accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic; the same in NFC and NFD."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", bounded(text)).casefold()
    return unicodedata.normalize("NFC", _DROPPED.sub("", letters))


@lru_cache(maxsize=1 << 16)
def name_words(name: str) -> tuple[str, ...]:
    """The folded words of a name; empty where it is none."""
    if is_plain_name(name):
        return tuple(name.lower().split())
    normalised = normalise_name(name)
    if normalised.isascii():
        return tuple(normalised.split())
    folded = fold(normalised)
    words = folded.split()
    if is_plain(folded):
        return tuple(words)
    return tuple(
        part
        for word in words
        for part in ([word] if is_plain(word) else [word[start:end] for start, end in word_bounds(word)])
    )


@lru_cache(maxsize=1 << 16)
def name_key(name: str) -> str:
    """What spellings of one name share, its folded words; "" for what is no name or too long to be looked for."""
    words = name_words(name)
    key = " ".join(words)
    return key if len(words) <= NAME_WORDS and len(key) <= NAME_CHARACTERS else ""
