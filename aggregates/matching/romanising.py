"""Names in Latin letters: Cyrillic and Greek by rule, other Latin alphabets by their base letters; and how they sound.

Rules alone, no dictionaries: `Москва` is Moskva here, and Moscow is another word.
"""

import re
from functools import lru_cache

from contracts.folding import fold


def _each(letters: str, latin: str) -> dict[str, str]:
    return dict(zip(letters, latin.split(), strict=True))


_LETTERS = str.maketrans(
    _each(
        "абвгдежзийклмнопрстуфхцчшщыэюяіїєґўјљњћђџ",
        "a b v g d e zh z i y k l m n o p r s t u f kh ts ch sh shch y e yu ya i yi ye g u j lj nj c dj dz",
    )
    | _each("αβγδεζηθικλμνξοπρσςτυφχψω", "a v g d e z i th i k l m n x o p r s s t y f ch ps o")
    | _each("łøđðþæœßı", "l o dj d th ae oe ss i")
    | dict.fromkeys("ъь", "")
)
_PAIRS = {"ου": "ou", "ντ": "nt", "μπ": "b", "γκ": "g", "γγ": "ng"}  # noqa: RUF001
_GREEK_PAIRS = re.compile("|".join(_PAIRS))

# In order: what comes first is not seen by what follows.
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"schtsch|shch", "5"),
        (r"tsch|tch|ch|cz", "4"),
        (r"sch|sh|sz", "6"),
        (r"([ae4-6])ow\b", r"\1ev"),
        (r"(?<=[4-6])ov\b", "ev"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"[kg]h", lambda found: "h" if found[0] == "kh" else "g"),
        (r"dj", "d"),
        (r"ck", "k"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"qu", "kv"),
        (r"q", "g"),
        (r"w", "v"),
        (r"x", "ks"),
        (r"tz|ts|z", "s"),
        (r"[yj]", "i"),
        (r"io", "e"),
        (r"ae", "a"),
        (r"oe", "o"),
        (r"ue", "u"),
        (r"(?<=[aeou])i|i(?=[aeou])", ""),
        (r"(.)\1+", r"\1"),
    )
)


@lru_cache(maxsize=1 << 16)
def romanised(word: str) -> str:
    """The folded word in Latin letters, as far as rules go; the rest as it is, and so a word that is nothing in them,
    as `Ъ` is (the newspaper)."""
    folded = fold(word)
    if folded.isascii():
        return folded or word
    return _GREEK_PAIRS.sub(lambda found: _PAIRS[found[0]], folded).translate(_LETTERS) or word


@lru_cache(maxsize=1 << 16)
def sound_of(word: str) -> str:
    """What spellings of one name in several languages share: Tchaikovsky, Chaikovsky and Чайковский. Of one word."""
    sound = romanised(word)
    for pattern, to in _SOUNDS:
        sound = pattern.sub(to, sound)
    return sound
