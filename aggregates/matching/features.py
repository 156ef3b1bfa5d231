"""What a name is made of: its words, and beside them title, legal form, generation, numbers, a defined abbreviation."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from aggregates.matching.romanising import romanised
from aggregates.matching.vocabulary import (
    DEGREES,
    EXPANSIONS,
    GENERATIONS,
    GROUPS,
    JOINING,
    LEGAL_FORMS,
    PARTICLES,
    TITLES,
)
from contracts.ids import normalise_name

_DOTTED = re.compile(r"\b(?:\w\.){2,}(?!\w)|\b(?:\w\.){1,}\w\b(?!\.?\w)")
_BRACKETS = re.compile(r"^(.*?)\s*\(([^()]+)\)\s*$")
_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"^(?=[ivx])x{0,3}(?:ix|iv|v?i{0,3})$")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1dff\u2e80-\uffff]")
_MOST_INITIALS = 3


@dataclass(frozen=True, slots=True)
class NameFeatures:
    """A name, taken apart.

    `words` are those of the name itself, in Latin letters where rules know how; a person's come given name first, and
    his particles are left out. `compact` is all its letters, with particles, without spaces. `content` are the words
    that carry content. `number` is what must be the same: generation, Roman numerals, digits. `abbreviation` is the
    name itself where it is one, else the one that is defined in brackets behind it, else ""; `initials` are what it may
    be abbreviated to. `decorations` counts what was taken off.
    """

    name: str
    group: str | None
    words: tuple[str, ...]
    compact: str
    content: tuple[str, ...]
    number: tuple[str, ...]
    abbreviation: str
    initials: frozenset[str]
    is_abbreviation: bool
    legal: bool
    is_latin: bool
    decorations: int

    def __hash__(self) -> int:
        """Of what all the rest follows from."""
        return hash((self.name, self.group))

    @property
    def is_person(self) -> bool:
        """Whether it is a person's, or may be."""
        return self.group in (None, "person")


def group_of(types: Sequence[str]) -> str | None:
    """The sort of thing that an entity of these types is; None where they say nothing, or several."""
    groups = {GROUPS[one] for one in types if one in GROUPS}
    return next(iter(groups)) if len(groups) == 1 else None


@lru_cache(maxsize=1 << 14)
def features_of(name: str, group: str | None) -> NameFeatures:
    """Take a name apart. `group` is the sort of thing that it names."""
    inner, defined = _defined(name)
    decorations = int(bool(defined))
    raw = _words(inner)
    comma = "," in inner and group in (None, "person")
    if comma:
        inner_words, inverted = _around_comma(inner)
        raw, decorations = inner_words or raw, decorations + int(inverted)
    tokens, count = _bare(raw, group)
    compact = "".join(token for token in tokens if token not in GENERATIONS)
    if group == "person":
        tokens = _without_particles(tokens)
    number = tuple(sorted(_number_of(tokens, group)))
    words = tuple(token for token in tokens if token not in GENERATIONS)
    content = words if group == "person" else tuple(word for word in words if word not in JOINING) or words
    own = _abbreviation(raw)
    legal = group != "person" and any(romanised(one) in LEGAL_FORMS for one in raw[1:])
    return NameFeatures(
        name=name,
        group=group,
        words=words,
        compact=compact,
        content=content,
        number=number,
        abbreviation=own or defined,
        initials=initials_of(words) | initials_of([romanised(one) for one in raw]),
        is_abbreviation=bool(own),
        legal=legal,
        is_latin=_OTHER_SCRIPT.search(name) is None,
        decorations=decorations + count,
    )


def _defined(name: str) -> tuple[str, str]:
    """`International Business Machines (IBM)` is the long name and `ibm`, whichever stands in brackets.

    What stands there and is no short form of the name tells namesakes apart, and stays.
    """
    found = _BRACKETS.match(name)
    if found is None:
        return name, ""
    outer, inner = found[1], found[2]
    for long, short in ((outer, inner), (inner, outer)):
        letters = _abbreviation(_words(short))
        if letters and letters in initials_of([romanised(one) for one in _words(long)]):
            return long, letters
    return name, ""


def _words(name: str) -> list[str]:
    """As written, without punctuation; `U.S.A.` and `J.K.` are one word each, `&` is `and`."""
    plain = unicodedata.normalize("NFKC", name).replace("&", " and ").replace("\u2019", "'")
    plain = _DOTTED.sub(lambda found: found[0].replace(".", ""), plain)
    return [word for part in plain.split() for word in _cased(part)]


def _cased(part: str) -> list[str]:
    """The words of a part without spaces, in its own case, as `normalise_name` cuts them."""
    folded = normalise_name(part)
    if not folded:
        return []
    words = folded.split()
    if len(words) == 1 and len(folded) <= len(part):
        at = part.casefold().find(folded)
        return [part[at : at + len(folded)]] if at >= 0 else [folded]
    return words


def _around_comma(name: str) -> tuple[list[str], bool]:
    """`Lovelace, Ada` is turned round; what follows the comma in `Ines Marlowe, PhD` stays behind."""
    before, _, after = name.partition(",")
    first, last = _words(before), _words(after)
    tail = [romanised(one) for one in last]
    if not last or all(one in DEGREES or one in GENERATIONS or one in LEGAL_FORMS for one in tail):
        return first + last, False
    return last + first, True


def _bare(raw: Sequence[str], group: str | None) -> tuple[list[str], int]:
    """The words of the name itself, and how many were taken off."""
    tokens: list[str] = []
    shouting = sum(one.isupper() for one in raw) > 1
    for one in raw:
        word = romanised(one)
        if group == "person" and _is_initials(one, word, shouting, len(raw)):
            tokens += list(word)
        else:
            tokens.append(word)
    before = len(tokens)
    if group in (None, "person"):
        while len(tokens) > 1 and tokens[0] in TITLES and (group == "person" or len(tokens) > 2):
            tokens = tokens[1:]
        while len(tokens) > 1 and tokens[-1] in DEGREES:
            tokens = tokens[:-1]
    if group != "person":
        tokens = [EXPANSIONS.get(one, one) for one in tokens]
        while len(tokens) > 1 and tokens[-1] in LEGAL_FORMS:
            tokens = tokens[:-1]
        while len(tokens) > 1 and tokens[-1] in JOINING:
            tokens = tokens[:-1]
    return tokens, before - len(tokens)


def _without_particles(tokens: list[str]) -> list[str]:
    """A single letter but `v` is an initial."""
    return [one for one in tokens[:-1] if one not in PARTICLES or (len(one) == 1 and one != "v")] + tokens[-1:]


def _is_initials(raw: str, word: str, shouting: bool, words: int) -> bool:
    """`JK` of `J.K. Rowling` and `JRR` of `JRR Tolkien`, where not all the name is in capitals."""
    return (
        words > 1 and raw.isalpha() and raw.isupper() and 1 < len(raw) <= _MOST_INITIALS
        and not shouting and not _ROMAN.match(word) and word not in GENERATIONS and word not in DEGREES
    )  # fmt: skip


def _number_of(tokens: Sequence[str], group: str | None) -> list[str]:
    """Digits, Roman numerals behind the first word, generations; single letters where it is no person's name."""
    found: list[str] = []
    if any(_DIGITS.search(token) for token in tokens):
        # A code: `M-16` has no other letters than `M16`.
        return [digits.lstrip("0") or "0" for token in tokens for digits in _DIGITS.findall(token)]
    for index, token in enumerate(tokens):
        if index and group == "person" and token in GENERATIONS:
            found.append(GENERATIONS[token])
        elif (index and _ROMAN.match(token) and (len(token) > 1 or group != "person" or index == len(tokens) - 1)) or (
            len(token) == 1 and token.isalpha() and group not in (None, "person")
        ):
            found.append(token)
    return found


def _abbreviation(raw: Sequence[str]) -> str:
    """The letters of a name that is one word of two to eight letters, of which two or more are capitals; or ""."""
    if len(raw) != 1:
        return ""
    (word,) = raw
    capitals = sum(letter.isupper() for letter in word)
    return (
        word.casefold()
        if word.isalpha() and 2 <= len(word) <= 8 and capitals >= 2 and capitals * 2 >= len(word)
        else ""
    )


def initials_of(words: Sequence[str]) -> frozenset[str]:
    """What a name of these words may be abbreviated to: with and without the letters of words that carry no content."""
    content = [word for word in words if word not in JOINING]
    if len(content) < 2:
        return frozenset()
    trimmed = list(words)
    while trimmed and trimmed[0] in ("the", "a", "an"):
        trimmed = trimmed[1:]
    return frozenset({"".join(word[0] for word in content), "".join(word[0] for word in trimmed)})
