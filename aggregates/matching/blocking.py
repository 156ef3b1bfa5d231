"""Blocking keys: only names that share one are compared, so that the cost grows with candidates."""

from functools import lru_cache

from aggregates.matching.features import NameFeatures
from aggregates.matching.romanising import sound_of
from aggregates.matching.vocabulary import GIVEN_NAMES

SLIP_LETTERS = 7
"""A shorter word that differs by one letter is another word."""


@lru_cache(maxsize=1 << 14)
def blocking_keys(name: NameFeatures) -> frozenset[str]:
    """Every rule of `comparing` leads from a name to another one that shares a key with it."""
    if not name.words:
        return frozenset()
    keys = {f"=:{name.compact}"}
    if name.abbreviation:
        keys.add(f"a:{name.abbreviation}")
    if not name.is_person or name.group is None:
        keys |= {f"a:{letters}" for letters in name.initials if len(letters) > 1}
        keys.add(f"w:{' '.join(sorted(name.content))}")
    if name.number and any(one.isdigit() for one in name.number):
        return frozenset(keys)
    sounds = [sound_of(word) for word in name.content]
    if name.is_person and len(sounds) > 1:
        # A family name with the first letter of a given one, whichever way round they stand.
        keys |= {f"p:{sounds[-1]} {_letter(name.words[0])}", f"p:{sounds[-1]} {name.words[0][0]}"}
        if len(name.words[0]) > 1:
            keys.add(f"p:{sounds[0]} {_letter(name.words[-1])}")
    whole = sound_of("".join(name.content))
    keys.add(f"s:{whole}")
    if any(len(word) >= SLIP_LETTERS for word in name.content):
        # A slip is in one half. Both halves that a length can have: a letter more or less changes it by one.
        for half in {(len(whole) - 1) // 2, len(whole) // 2}:
            keys |= {f"b:{whole[:half]}", f"e:{whole[-half:]}"}
    return frozenset(keys)


def _letter(word: str) -> str:
    """Of a given name, whichever form of it stands there; J and Y are one, as languages spell them."""
    first = GIVEN_NAMES.get(word, word)[0]
    return "y" if first == "j" else first
