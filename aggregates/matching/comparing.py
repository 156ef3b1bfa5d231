"""Whether two names are of one entity, and which rule says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aggregates.matching.blocking import SLIP_LETTERS
from aggregates.matching.features import NameFeatures
from aggregates.matching.romanising import sound_of
from aggregates.matching.spelling import is_one_slip
from aggregates.matching.vocabulary import GIVEN_NAMES

Context = Callable[[], float | None]
"""Works out the cosine of the contexts of two names; None where one has none. Asked only where a rule needs it."""

HOMONYMS, ALIKE, RELATED = 0.6, 0.45, 0.25
"""Cosines of contexts that a rule needs before it takes two names for one. The sentences of two homonyms have up to
0.6, for they share the name; those of one entity mostly more."""


@dataclass(frozen=True, slots=True)
class Match:
    """Why two names are of one entity, how sure that is, and the cosine of contexts that it rests on, if on any."""

    rule: str
    confidence: float
    context: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """`needs`: the cosine of contexts below which the rule says nothing."""

    name: str
    confidence: float
    needs: float
    holds: Callable[[NameFeatures, NameFeatures], bool]


def compare(one: NameFeatures, other: NameFeatures, context: Context) -> Match | None:
    """What the first rule that fits both says, where nothing tells them apart and their contexts are near enough."""
    if not one.words or not other.words or _tells_apart(one, other):
        return None
    rule = next((rule for rule in RULES if rule.holds(one, other)), None)
    if rule is None:
        return None
    if one.is_latin != other.is_latin:
        # Contexts in two scripts, so mostly in two languages, say nothing of one another.
        return Match(rule.name, rule.confidence)
    cosine = context()
    return Match(rule.name, rule.confidence, cosine) if cosine is not None and cosine >= rule.needs else None


@lru_cache(maxsize=1 << 15)
def may_be_one(one: NameFeatures, other: NameFeatures) -> bool:
    """Whether the names alone would do, in whatever contexts. Asked several times of a pair, and again when a later
    document names one of it."""
    return compare(one, other, lambda: 1.0) is not None


def _tells_apart(one: NameFeatures, other: NameFeatures) -> bool:
    """Sorts of things, and numbers: close codes are two."""
    if one.group is not None and other.group is not None and one.group != other.group:
        return True
    if one.number != other.number:
        return True
    return (one.legal and other.group == "person") or (other.legal and one.group == "person")


def _same(one: NameFeatures, other: NameFeatures) -> bool:
    return one.compact == other.compact and one.number == other.number


def _defined(one: NameFeatures, other: NameFeatures) -> bool:
    return bool(one.abbreviation) and one.abbreviation == other.abbreviation


def _initialism(one: NameFeatures, other: NameFeatures) -> bool:
    return any(
        short.is_abbreviation and not long.is_abbreviation and short.abbreviation in long.initials
        for short, long in ((one, other), (other, one))
    )


def _sounds(one: NameFeatures, other: NameFeatures) -> bool:
    if any(digit.isdigit() for digit in one.number):
        return False
    return _sound(one.content) == _sound(other.content) and not _ends_differ(one.content, other.content)


def _reordered(one: NameFeatures, other: NameFeatures) -> bool:
    """`Bank of Scotland` and `Scotland Bank`; two names of a person, either way round."""
    return len(one.content) > 1 and one.content != other.content and sorted(one.content) == sorted(other.content)


def _initials(one: NameFeatures, other: NameFeatures) -> bool:
    """A person's given names, of which one side has the first letters, short forms, or fewer."""
    groups = {one.group, other.group}
    if not groups <= {"person", None} or groups == {None} or min(len(one.words), len(other.words)) < 2:
        return False
    if sound_of(one.words[-1]) != sound_of(other.words[-1]):
        return False
    given, others = one.words[:-1], other.words[:-1]
    return all(_agree(mine, yours) for mine, yours in zip(given, others, strict=False))


def _slip(one: NameFeatures, other: NameFeatures) -> bool:
    if len(one.content) != len(other.content) or one.number:
        return False
    unlike = [(mine, yours) for mine, yours in zip(one.content, other.content, strict=True) if mine != yours]
    if len(unlike) != 1:
        return False
    ((mine, yours),) = unlike
    # Another ending is another word more often than a slip: Norwegian and Norwegians, Communism and Communist.
    if min(len(mine), len(yours)) < SLIP_LETTERS or mine[0] != yours[0] or mine[-1] != yours[-1]:
        return False
    return is_one_slip(sound_of(mine), sound_of(yours))


def _agree(one: str, other: str) -> bool:
    """Two given names, of which one may be a letter."""
    if len(one) == 1 or len(other) == 1:
        return one[0] == other[0]
    return sound_of(GIVEN_NAMES.get(one, one)) == sound_of(GIVEN_NAMES.get(other, other))


def _ends_differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """A final `a` tells a woman's name from a man's in many languages: Paul and Paula, Ivanov and Ivanova."""
    return any((mine[-1] == "a") != (yours[-1] == "a") for mine, yours in zip(one, other, strict=False))


def _sound(words: Sequence[str]) -> str:
    return sound_of("".join(words))


RULES: Sequence[Rule] = (
    Rule("same name", 0.99, HOMONYMS, _same),
    Rule("defined abbreviation", 0.97, RELATED, _defined),
    Rule("sound", 0.9, RELATED, _sounds),
    Rule("word order", 0.9, ALIKE, _reordered),
    Rule("initialism", 0.9, ALIKE, _initialism),
    Rule("initials", 0.85, ALIKE, _initials),
    Rule("slip", 0.8, ALIKE, _slip),
)
"""The surest first."""
